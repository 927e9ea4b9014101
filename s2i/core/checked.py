"""Files and folders of the cache with hashes beside them: what was cut, emptied or changed is not handed out."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from s2i.core import system
from s2i.core.files import draft_of, write_json
from s2i.core.messages import say
from s2i.core.output_folders import MARKER, alone, replaced

HASH = ".sha256"  # ends the name of the file that holds another one's hash; its age is when that was last used
HASHES = "sha256.json"  # in a folder: the hashes of its files
DAY = 86_400  # seconds; how exactly it is known when an entry was last used


def sha256(file: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits."""
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def hash_if_whole(file: Path) -> str | None:
    """The SHA-256 of a file that `write` wrote, or None where it is not there, or is not what was written.

    The latter is said in one line.  A file without its hash is not there: nobody can tell whether it is whole.
    """
    beside = hash_of(file)
    try:
        expected = beside.read_text(encoding="ascii")
        found = sha256(file)
    except (OSError, ValueError):
        return None
    if found != expected:
        say_damaged(file)
        return None
    note_use(beside)
    return found


def write(file: Path, make: Callable[[Path], object]) -> str:
    """Write what ``make(draft)`` makes and its SHA-256, which is given back; nobody may write to the file again.

    Nothing is flushed to disk: what a power failure leaves of it is seen when it is read.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = draft_of(file, f"draft{file.suffix}")
    draft_of_hash = draft_of(file, f"draft{HASH}")
    try:
        make(draft)
        found = sha256(draft)
        system.write_protect(draft)
        draft_of_hash.write_text(found, encoding="ascii")
        os.replace(draft, file)
        os.replace(draft_of_hash, hash_of(file))
    finally:
        draft.unlink(missing_ok=True)
        draft_of_hash.unlink(missing_ok=True)
    return found


def folder(target: Path, make: Callable[[Path], object]) -> Path:
    """A folder that ``make(draft)`` filled, once; anew where a file of it is damaged or gone.

    Another process that fills the same folder is waited for.
    """
    if _is_whole(target):
        return target
    with alone(target, wait=True):
        if _is_whole(target):
            return target
        if target.exists():
            say_damaged(target)
            shutil.rmtree(target) if target.is_dir() else target.unlink()
        with replaced(target) as draft:
            make(draft)
            write_json(draft / HASHES, {path: sha256(draft / path) for path in _files(draft)})
    return target


def hash_of(file: Path) -> Path:
    """Where the hash of a file stands."""
    return file.with_name(file.name + HASH)


def note_use(file: Path) -> None:
    """Set a file's time to now, once a day."""
    with suppress(OSError):  # somebody else's cache
        if time.time() - file.stat().st_mtime > DAY:
            os.utime(file)


def say_damaged(path: Path) -> None:
    """Say that something in the cache is not what was written there."""
    say(f"{path} in the cache is damaged, and is made anew.")


def _is_whole(target: Path) -> bool:
    try:
        expected = json.loads((target / HASHES).read_text(encoding="utf-8"))
        whole: bool = expected == {path: sha256(target / path) for path in _files(target)}
    except (OSError, ValueError):
        return False
    if whole:
        note_use(target / HASHES)
    return whole


def _files(target: Path) -> list[str]:
    paths = sorted(path for path in target.rglob("*") if path.is_file() and path.name not in (MARKER, HASHES))
    return [path.relative_to(target).as_posix() for path in paths]
