"""s2i: from a folder of photos to a model that draws photos from sketches, with numbers that say how good it is."""

__version__ = "0.1.0"
