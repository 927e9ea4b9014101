"""The words for what a photo shows, and the prompts made of them."""
