"""What the data is and what it lacks."""
