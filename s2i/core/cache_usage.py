"""What the cache folder holds, by kind, and how room is made in it."""

import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from s2i.core import cache, checked
from s2i.core.files import ABANDONED

FOLDERS = ("training", "openvino", "experiments", "sources")  # an entry is a folder below these
DRAFTS = "drafts of killed runs"
OLD = "results of earlier versions"  # without hashes, and so never read


class Entry(NamedTuple):
    """What is kept or removed as one: its files or folder, how many bytes, and when it was last used (a time)."""

    kind: str
    paths: tuple[Path, ...]
    size: int
    used: float


def entries(root: Path) -> list[Entry]:
    """All that a cache folder holds."""
    found = [*_results(root / cache.WORK)]
    for kind in FOLDERS:
        for folder in _children(root / kind):
            files = [path for path in folder.rglob("*") if path.is_file()]
            used = max((path.stat().st_mtime for path in files), default=0.0)
            found.append(Entry(kind, (folder,), sum(path.stat().st_size for path in files), used))
    return found


def prune(found: Iterable[Entry], oldest: float, most: float) -> list[Entry]:
    """Remove what was last used before the time ``oldest``, and then the longest unused beyond ``most`` bytes.

    What a training is writing to stays.  Gives back what was removed.
    """
    removed, kept = [], 0
    for entry in sorted(found, key=lambda entry: -entry.used):
        is_dead = entry.kind == OLD or (entry.kind == DRAFTS and entry.used < time.time() - ABANDONED)
        if entry.used >= oldest and kept + entry.size <= most and not is_dead:
            kept += entry.size
        elif _remove(entry):
            removed.append(entry)
    return removed


def _results(work: Path) -> Iterator[Entry]:
    """The files of `cache.path`, each with its hash."""
    for folder in _children(work):
        is_old = len(folder.name) == 2  # the first digits of a key, where its kind stands now
        for file in folder.rglob("*"):
            if not file.is_file() or file.name.endswith(checked.HASH):
                continue
            if file.name.startswith("."):
                yield Entry(DRAFTS, (file,), file.stat().st_size, file.stat().st_mtime)
                continue
            beside = checked.hash_of(file)
            paths = (beside, file) if beside.exists() else (file,)
            used = paths[0].stat().st_mtime
            yield Entry(OLD if is_old else folder.name, paths, sum(path.stat().st_size for path in paths), used)


def _children(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _remove(entry: Entry) -> bool:
    """Remove an entry; whether it is gone."""
    if entry.kind != "training":
        for path in entry.paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return True
    with suppress(Timeout), FileLock(entry.paths[0] / "lock", timeout=0):
        shutil.rmtree(entry.paths[0])
        return True
    return False
