"""Two runs compared, as the comment on a pull request."""
