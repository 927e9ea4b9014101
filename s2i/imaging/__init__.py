"""Images as arrays: reading, edges, colours, textures, control images, mosaics, plots."""
