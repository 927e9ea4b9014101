"""A student that draws in few steps."""
