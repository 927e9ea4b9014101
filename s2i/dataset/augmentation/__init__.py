"""Sketches and prompts varied for training."""
