"""Read, check, normalise and split the photos."""
