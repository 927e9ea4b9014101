"""Files and folders that are whole or not there: everything is written beside its place and renamed in."""

import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import Any


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` that replaces it when the block ends without an exception."""
    target = Path(target)
    draft = target.with_name(f".{target.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    yield draft
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target``, with its suffix, that replaces it when the block ends without an exception."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    try:
        yield draft
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


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
