"""Files that are whole or not there: everything is written beside its place, flushed to disk and renamed in."""

import json
import os
import re
import secrets
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from hashlib import sha256
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any

from s2i.core import system

ABANDONED = 3600  # seconds after which a draft that nothing was written to is one of a killed run
DRAFT = re.compile(r"\..+\.[0-9a-f]{16}\.draft\.[^.]+")
LONGEST = 150  # bytes of a name that a draft's name repeats; file systems take 255


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target``, with its suffix, that replaces it when the block ends without an exception.

    A link at ``target`` is replaced, not what it leads to.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(target.parent)
    draft = draft_of(target, f"draft{target.suffix}")
    try:
        yield draft
        system.flush(draft)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def draft_of(target: Path, kind: str) -> Path:
    """A new name beside ``target``, which no other process has: .NAME.RANDOM.KIND."""
    return hidden(target, f"{secrets.token_hex(8)}.{kind}")


def drafts_of(target: Path, kind: str) -> list[Path]:
    """What stands beside ``target`` under such names, this process's and those of others."""
    pattern = re.compile(re.escape(hidden(target, "").name) + rf"[0-9a-f]{{16}}\.{kind}")
    return sorted(path for path in target.parent.iterdir() if pattern.fullmatch(path.name))


def hidden(target: Path, kind: str) -> Path:
    """.NAME.KIND beside ``target``."""
    return target.with_name(f".{_short(target)}.{kind}")


def _short(target: Path) -> str:
    """A name, or of a very long one its beginning and a hash, so that a draft's name is none too long."""
    name = os.fsencode(target.name)
    return target.name if len(name) <= LONGEST else f"{target.name[:20]}-{sha256(name).hexdigest()[:16]}"


@cache
def _remove_abandoned(folder: Path) -> None:
    """Remove the draft files that killed runs left in a folder; a process looks once."""
    for path in folder.iterdir():
        try:
            if DRAFT.fullmatch(path.name) and time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()
        except OSError:  # another process was faster, or it is somebody else's
            continue


def open_binary(path: str | Path) -> BufferedReader | BytesIO:
    """A file opened for reading; ``folder/00001.tar/name`` is the member of that name of a tar shard."""
    path = Path(path)
    if path.parent.suffix != ".tar" or path.parent.is_dir():
        return open(path, "rb")
    start, size = _members(path.parent)[path.name]
    with open(path.parent, "rb") as shard:
        shard.seek(start)
        return BytesIO(shard.read(size))


@lru_cache(maxsize=1024)
def _members(shard: Path) -> dict[str, tuple[int, int]]:
    """Where in a tar file the bytes of each member begin, and how many they are."""
    with tarfile.open(shard) as file:
        return {member.name: (member.offset_data, member.size) for member in file}


def write_json(path: str | Path, content: Any) -> None:
    """Write ``content`` as indented JSON, whole or not at all, with the same bytes on every machine."""
    with whole_file(Path(path)) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8", newline="\n")
