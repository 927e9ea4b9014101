"""Several methods or settings side by side."""
