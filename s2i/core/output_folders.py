"""Folders that are whole or not there, and that replace nothing but what s2i wrote itself."""

import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from s2i.core import system
from s2i.core.errors import UserError, first_line
from s2i.core.files import draft_of, drafts_of, hidden
from s2i.core.messages import say

MARKER = ".s2i"  # in every folder that s2i wrote: the names of what it put there
HISTORY = ".git"  # of an output that is a clone: stays where it is
NEW_SPACE = (HISTORY, ".gitattributes", "README.md")  # what a clone of a new Hugging Face Space holds
NOBODYS = (MARKER, HISTORY, ".DS_Store", "Thumbs.db", "desktop.ini")  # made by systems, missed by nobody


@contextmanager
def whole_folder(target: Path, may_hold: Collection[str] = ()) -> Iterator[Path]:
    """Yield an empty folder that replaces ``target`` when the block ends without an exception.

    A link is followed, and named.  The old folder is moved aside first, and back should the new one not take its place.
    may_hold: names that a folder may hold though s2i did not write it.
    Raises UserError when ``target`` is no folder, when it holds what s2i did not write, or when another process
    writes it.
    """
    place = _followed(Path(target))
    with alone(place), replaced(place, may_hold) as draft:
        if place != Path(target):
            say(f"{target} is a link: what is in {place} is replaced.")
        yield draft


@contextmanager
def replaced(target: Path, may_hold: Collection[str] = ()) -> Iterator[Path]:
    """The same for the one process that is `alone` with ``target``, which is no link."""
    _clear(target)
    _check_replaceable(target, may_hold)
    draft = draft_of(target, "draft")
    draft.mkdir()
    try:
        _mark(draft)
        yield draft
        _mark(draft)
        system.flush_folder(draft)
        _replace(target, draft)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def check(target: Path, may_hold: Collection[str] = ()) -> None:
    """Raise UserError where `whole_folder` would, before hours of work."""
    _check_replaceable(_followed(Path(target)), may_hold)


@contextmanager
def alone(target: Path, wait: bool = False) -> Iterator[None]:
    """Be the one process that writes ``target``; raises UserError when another does and is not waited for."""
    file = hidden(target, "lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, timeout=-1 if wait else 0)
    try:
        held = lock.acquire()
    except Timeout:
        raise UserError(f"another run writes {target}: wait for it, or stop it.") from None
    with held:
        try:
            yield
        finally:
            with suppress(OSError):  # Windows keeps a file that is open
                file.unlink()


def written_by_s2i(folder: Path) -> list[str] | None:
    """The names of what s2i put into a folder, or None where it did not write it."""
    try:
        return list(json.loads((folder / MARKER).read_text(encoding="utf-8"))["written by s2i"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _followed(target: Path) -> Path:
    """Where the folder stands; raises UserError when there is something else."""
    if target.is_symlink():
        place = Path(os.path.realpath(target))
        if not place.is_dir():
            raise UserError(f"{target} is a link to {place}, which is no folder: make that folder, or remove the link.")
        target = place
    if Path.cwd().is_relative_to(os.path.realpath(target)):
        raise UserError(f"{target} holds the folder you are in, and would be replaced: name another.")
    if target.exists() and not target.is_dir():
        raise UserError(f"{target} is a file, and a folder is to be written there: move it away.")
    if target.is_dir() and os.path.ismount(target):
        raise UserError(f"{target} is a disk of its own, which cannot be replaced: make it a link to a folder there.")
    return target


def _check_replaceable(target: Path, may_hold: Collection[str]) -> None:
    if not target.is_dir():
        return
    written = written_by_s2i(target)
    known = {*NOBODYS, *(may_hold if written is None else written)}
    if written is None and HISTORY not in may_hold:
        known.remove(HISTORY)
    if others := sorted(name for name in os.listdir(target) if name not in known):
        raise UserError(
            f"{target} would be replaced, and holds {others[0]}, which s2i did not write (or an earlier version of it "
            "did): move it away or remove it, or name another folder."
        )


def _mark(folder: Path) -> None:
    names = sorted(name for name in os.listdir(folder) if name != MARKER)
    text = json.dumps({"written by s2i": names}, indent=1)
    (folder / MARKER).write_text(f"{text}\n", encoding="utf-8", newline="\n")


def _replace(target: Path, draft: Path) -> None:
    """Put the draft in the place of the old folder, which takes its place again should that fail."""
    old = draft.with_suffix(".old")
    try:
        if target.exists():
            target.rename(old)
        draft.rename(target)
    except BaseException:
        if old.exists() and not target.exists():
            old.rename(target)
        raise
    if old.exists():
        _remove(old, target)


def _clear(target: Path) -> None:
    """Put back, or remove, what killed runs left beside ``target``; no other process writes it now."""
    for old in drafts_of(target, "old"):
        if target.exists():
            _remove(old, target)
        else:
            old.rename(target)
    for draft in drafts_of(target, "draft"):
        if written_by_s2i(draft) is not None or not os.listdir(draft):
            _remove(draft, target)


def _remove(old: Path, target: Path) -> None:
    """Remove an old folder, all but its history, which the new one takes over."""
    try:
        if (old / HISTORY).exists():
            (old / HISTORY).rename(target / HISTORY)
        shutil.rmtree(old)
    except OSError as error:
        say(f"{old}, which {target} replaced, could not be removed ({first_line(error)}): remove it by hand.")
