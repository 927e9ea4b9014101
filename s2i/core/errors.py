"""The one exception whose message is written for the user, and what its sentences are made of."""

import errno
import os
import re
import signal
from collections.abc import Iterable
from difflib import get_close_matches

DRAFT = re.compile(r"\.([^/\\]+?)\.[0-9a-f]{16}\.draft(?:\.[^./\\]+)?(?=[/\\]|$)")  # a path's part, as `files` names it
REMEDIES = {  # what to do where a file cannot be written or read
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some space and run again",
    errno.EACCES: "give yourself the right to it, or name another place",
    errno.EPERM: "give yourself the right to it, or name another place",
    errno.EROFS: "name a place that can be written to",
    errno.EEXIST: "move it away",
    errno.ENOTDIR: "a file stands where a folder is needed; move it away",
    errno.EISDIR: "a folder stands where a file is needed; move it away",
    errno.ENOENT: "run what writes it again (dvc repro does), or put it there",
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.EMFILE: "allow more open files (ulimit -n)",
}


class UserError(Exception):
    """Something the user can mend.  The message is one sentence: the file, key or row, and what to do about it."""


class Stopped(UserError):
    """Work that ended because a signal asked it to; the same command goes on.

    status: the exit status that shells give to a program that a signal ended, 143 for SIGTERM and 130 for Ctrl-C.
    """

    def __init__(self, message: str, number: int = signal.SIGTERM) -> None:
        super().__init__(message)
        self.status = 128 + number


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


def explained(error: Exception, place: str | os.PathLike[str]) -> str | None:
    """A sentence for what the machine lacks, and not s2i: room, memory or a right; None for any other error.

    place: what was to be written, where the error names no file.
    """
    if isinstance(error, MemoryError):
        return "there is not enough memory: lower workers.count or a batch_size in params.yaml, and run again."
    text = str(error)
    if isinstance(error, OSError) and error.errno:
        reason, number = os.strerror(error.errno), error.errno
        place = error.filename2 or error.filename or place
    elif found := [number for number in REMEDIES if os.strerror(number) in text]:
        reason, number = os.strerror(found[0]), found[0]
    else:
        return None
    name = DRAFT.sub(r"\1", os.fsdecode(place) if isinstance(place, bytes | os.PathLike) else str(place))
    return f"{name}: {reason}: {REMEDIES.get(number, 'look at the disk, and run again')}."


def hint(name: str, names: Iterable[str], otherwise: str = "there are") -> str:
    """The end of a sentence about a name that does not exist: the nearest of the names that do, or all of them.

    otherwise: what stands before all of them.
    """
    names = list(names)
    close = get_close_matches(name, names, n=1)
    return f"did you mean '{close[0]}'?" if close else f"{otherwise} {', '.join(names)}."
