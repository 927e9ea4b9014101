"""Photos, sketches, mattes and prompts as the data sets that other trainers read."""
