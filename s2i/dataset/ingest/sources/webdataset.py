"""Samples of a tar shard as webdataset lays them out: files that share a name up to its first dot, one after another.

Source: https://github.com/webdataset/webdataset, "The WebDataset Format".
"""

import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import IO, Any

from s2i.core.errors import first_line
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import columns
from s2i.dataset.ingest.sources.parquet import IMAGES
from s2i.dataset.ingest.sources.unpacking import Sample
from s2i.imaging import io

MAX_MEMBER = 2**28  # bytes
TEXTS = ("txt", "caption", "text")  # parts that are text
IMAGE_ENDS = ("jpg", "jpeg", "png", "webp")  # that a photo may have as the whole of its part's name


def samples(content: IO[bytes], name: str, given: Mapping[str, str]) -> Iterator[Sample | Refused]:
    """Each group of members KEY.PART with a photo: KEY.jpg, KEY.txt or KEY.json, KEY.sketch.png, KEY.matte.png.

    Groups without a photo, and parts that mean nothing here, are refused.  Raises Unreadable for what is no tar file.
    """
    key, parts = None, {}
    try:
        with tarfile.open(fileobj=content, mode="r|*") as tar:
            for member in tar:
                folder, file = PurePosixPath(member.name).parent, PurePosixPath(member.name).name
                stem, _, part = file.partition(".")
                extracted = tar.extractfile(member)
                if extracted is None or not stem or file.startswith("__"):  # a folder, a link; metadata of shards
                    continue
                if member.size > MAX_MEMBER:
                    yield Refused(f"{name}/{member.name}", "file too large", f"({member.size / 1e6:,.0f} MB)")
                    continue
                if key is not None and str(folder / stem) != key:
                    yield from _sample(key, parts, name, given)
                    parts = {}
                key = str(folder / stem)
                parts[part.lower()] = extracted.read()
    except (tarfile.TarError, EOFError) as error:
        yield from _sample(key, parts, name, given) if key else ()
        yield Refused(name, "not a whole tar file", f"({first_line(error)})")
        return
    yield from _sample(key, parts, name, given) if key else ()


def _sample(key: str, parts: dict[str, bytes], shard: str, given: Mapping[str, str]) -> Iterator[Sample | Refused]:
    name = f"{shard}/{key}"
    images = {part: content for part, content in parts.items() if f".{part.rpartition('.')[2]}" in io.readable()}
    values: dict[str, Any] = {}
    try:
        values = _described(parts)
    except (ValueError, RecursionError) as error:
        yield Refused(name, "unusable description", f"({first_line(error)})")
    meant = columns.meanings([*values, *(_image_name(part) for part in images)], given)
    by_name = {_image_name(part): content for part, content in images.items()}
    found = {column: by_name[meant[column]] for column in IMAGES if meant.get(column) in by_name}
    unknown = [part for part in parts if part not in images and part not in (*TEXTS, "json")]
    unknown += [column for column in (*values, *by_name) if column not in meant.values()]
    yield from columns.unknown(unknown, {}, "webdataset")
    if "file" not in found:
        yield Refused(name, "no photo", f"among {', '.join(sorted(parts))}")
        return
    texts, problems = columns.cells(values, {key: value for key, value in meant.items() if value in values})
    yield from (Refused(name, "unusable cell", problem) for problem in problems)
    yield Sample(name, texts, found)


def _image_name(part: str) -> str:
    """What an image is: sketch.png is a sketch, jpg the photo."""
    return part if part in IMAGE_ENDS else part.rpartition(".")[0] or part


def _described(parts: Mapping[str, bytes]) -> dict[str, Any]:
    """What the texts and the JSON of a sample say, by column; raises ValueError for what cannot be read."""
    values: dict[str, Any] = {}
    if "json" in parts:
        described = json.loads(parts["json"].decode("utf-8-sig"))
        if not isinstance(described, dict):
            raise ValueError("its JSON is no table")
        values |= described
    for part in TEXTS:
        if part in parts:
            values["caption"] = parts[part].decode("utf-8-sig").strip()
            break
    return values
