"""Sketches of every photo, one in each style."""
