"""What the choices of a training are worth: one experiment a choice, each with several seeds."""
