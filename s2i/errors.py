"""The one exception whose message is written for the user."""


class UserError(Exception):
    """Something the user can mend.  The message is one sentence: the file, key or row, and what to do about it."""
