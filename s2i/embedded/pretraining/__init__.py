"""How the embedded base is made: renders -> autoencoder -> text-to-image -> Canny ControlNet."""
