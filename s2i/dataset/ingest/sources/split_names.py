"""Splits as other people's data sets name them, in a column, a folder or the name of a file."""

import re
from pathlib import PurePosixPath

NAMES = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "eval", "evaluation"),
}
SPLIT_OF = {name: split for split, names in NAMES.items() for name in names}


def parse(name: str) -> str:
    """train, val or test; raises ValueError for what names no split."""
    if name.strip().lower() not in SPLIT_OF:
        raise ValueError(f"split is '{name[:60]}', not train, val or test")
    return SPLIT_OF[name.strip().lower()]


def of_folder(path: str) -> str | None:
    """The split that a folder in a file's path names: train/cat/1.png is train."""
    return next((SPLIT_OF[part.lower()] for part in PurePosixPath(path).parts[:-1] if part.lower() in SPLIT_OF), None)


def of_shard(path: str) -> str | None:
    """The split that a shard's folder or name begins with: data/train-00000-of-00002.parquet is train.

    Source: the names that the library `datasets` looks for.
    """
    match = re.match(rf"({'|'.join(sorted(SPLIT_OF, key=len, reverse=True))})([-._ 0-9]|$)", PurePosixPath(path).name)
    return SPLIT_OF[match[1]] if match else of_folder(path)
