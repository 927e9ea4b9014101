"""Rendered buildings whose truth is known: images, labels, geometry and line drawings."""
