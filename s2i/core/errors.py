"""The one exception whose message is written for the user, and what its sentences are made of."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """Something the user can mend.  The message is one sentence: the file, key or row, and what to do about it."""


class Stopped(UserError):
    """Work that ended because it was asked to; the same command goes on."""


class Unreadable(Exception):
    """A file that cannot be used, for a reason of its own; `reason` in words that can be counted, `detail` more."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail

    @property
    def sentence(self) -> str:
        """Reason and detail."""
        return f"{self.reason} {self.detail}".strip()


def first_line(error: Exception) -> str:
    """What an error of another library says, in one line; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def hint(name: str, names: Iterable[str], otherwise: str = "there are") -> str:
    """The end of a sentence about a name that does not exist: the nearest of the names that do, or all of them.

    otherwise: what stands before all of them.
    """
    names = list(names)
    close = get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"{otherwise} {', '.join(names)}."
