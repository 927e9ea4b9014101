"""The building of every photo and its background."""
