"""Several ways to draw the same held-out sketches, side by side."""
