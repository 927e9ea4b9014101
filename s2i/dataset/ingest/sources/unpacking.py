"""Photos out of files that hold many, such as tar shards: streamed into the cache, a photo at a time."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple

from s2i.core import cache
from s2i.core.errors import Unreadable, UserError
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import dataset_card, locations, split_names, table
from s2i.dataset.ingest.sources.listing import Photo
from s2i.dataset.ingest.sources.locations import SourceFile, in_threads
from s2i.dataset.ingest.sources.mirror import KIND

INDEX = "index.jsonl"  # in the folder of a shard: a line for each photo, and for each thing that cannot be used


class Sample(NamedTuple):
    """A photo in a shard: its name there, the cells that describe it, and images by column, the photo as "file"."""

    name: str
    cells: dict[str, str]
    images: dict[str, bytes]


Reader = Callable[[IO[bytes], str, Mapping[str, str]], Iterator[Sample | Refused]]  # of a shard, its name, the columns


def find(location: str, suffix: str, read: Reader, columns: Mapping[str, str]) -> Iterator[Photo | Refused]:
    """The photos of the shards at a location, a folder, file, pattern or address, in the order of their names.

    read: what reads the samples of an opened shard, one after the other.  columns: `ingest.columns`.
    Each shard is read once as a stream and its images are kept in the cache, for as long as its version and what is
    asked of it stay the same.  Raises UserError when no shard is there.
    """
    listed = locations.list_files(location, lambda name: name.lower().endswith(suffix))
    shards = [file for file in listed if isinstance(file, SourceFile)]
    yield from (file for file in listed if isinstance(file, Refused))
    if not shards:
        raise UserError(f"{location} holds no {suffix} files: correct ingest.url or ingest.source.")
    described = dataset_card.columns_at(location)
    unpack = locations.persist
    folders = in_threads(lambda shard: unpack(lambda: _unpacked(shard, read, columns), shard.path), shards, "unpacking")
    seen: set[Refused] = set()  # what is said of every shard, such as a column, is said once
    for shard, folder in zip(shards, folders, strict=True):
        with open(folder / INDEX, encoding="utf-8") as lines:
            for line in lines:
                for outcome in _outcomes(json.loads(line), folder, shard, described):
                    if isinstance(outcome, Photo) or outcome not in seen:
                        yield outcome
                    if isinstance(outcome, Refused):
                        seen.add(outcome)


def _unpacked(shard: SourceFile, read: Reader, columns: Mapping[str, str]) -> Path:
    """The folder in the cache with the images of a shard and its index."""

    def unpack(draft: Path) -> None:
        with shard.open() as content, open(draft / INDEX, "w", encoding="utf-8") as index:
            try:
                for number, sample in enumerate(read(content, shard.name, columns)):
                    index.write(json.dumps(_kept(sample, draft, number)) + "\n")
            except Unreadable as error:
                index.write(json.dumps(_kept(Refused(shard.name, error.reason, error.detail), draft, 0)) + "\n")

    key = cache.fingerprint(cache.code(read.__module__), shard.version, dict(columns))
    return cache.folder(KIND, key[:32], unpack)


def _kept(sample: Sample | Refused, folder: Path, number: int) -> dict:
    """A line of the index, after the images of a sample are written into the folder."""
    if isinstance(sample, Refused):
        return {"refused": [sample.name, sample.why, sample.detail]}
    files = {}
    for column, content in sample.images.items():
        files[column] = f"{number:06}-{column}"
        (folder / files[column]).write_bytes(content)
    return {"name": sample.name, "cells": sample.cells, "files": files}


def _outcomes(line: dict, folder: Path, shard: SourceFile, described: dict[str, str]) -> Iterator[Photo | Refused]:
    if "refused" in line:
        yield Refused(*line["refused"])
        return
    name, files = line["name"], {column: folder / file for column, file in line["files"].items()}
    cells = {"file": name} | described | line["cells"]
    if split := split_names.of_shard(shard.name):
        cells.setdefault("split", split)
    try:
        columns, refused = table.values(table.Described(shard.name, 0, cells))
    except ValueError as error:
        yield Refused(name, "wrong value", str(error))
        return
    yield from refused
    sketches = (files["sketch"],) if "sketch" in files else ()
    yield Photo(files["file"], name, columns, sketches, files.get("labels"), files.get("matte"))
