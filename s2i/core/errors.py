"""The one exception whose message is written for the user, and what other errors say put into it."""


class UserError(Exception):
    """Something the user can mend.  The message is one sentence: the file, key or row, and what to do about it."""


class Stopped(UserError):
    """Work that ended because it was asked to; the same command goes on."""


def first_line(error: Exception) -> str:
    """What an error of another library says, in one line; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
