"""What the longer of the `s2i` commands do."""
