"""Rendered buildings whose truth is known: pictures, labels, geometry and line drawings."""
