"""Photos looked through by people: what they see, and what they write into photos.csv."""
