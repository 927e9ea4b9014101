"""How data/photos and data/base were made: rendering and pretraining.  Nobody needs it to use s2i."""
