"""Every photo described in words."""
