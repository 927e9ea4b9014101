"""Photos to training examples; a folder for each stage."""
