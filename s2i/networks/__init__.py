"""Trained networks of others, and how their weights are fetched and checked."""
