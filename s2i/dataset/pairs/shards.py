"""Pairs as shards: parquet files of Hugging Face datasets, and tar files of webdataset."""

import json
import tarfile
from collections import Counter
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from s2i.core.records import SPLITS
from s2i.dataset.pairs.pairs import ABOUT, Export, Pair

PAIRS_A_SHARD = 1000
PAIRS_A_GROUP = 100  # of rows in a parquet file: so many are read at a time
IMAGES = ("image", "conditioning_image", "mask")
TEXTS = ("text", "name", *ABOUT)
HUB_SPLITS = dict(zip(SPLITS, ("train", "validation", "test"), strict=True))  # as datasets calls ours


def write_hf(pairs: Iterable[Pair], export: Export) -> None:
    """For Hugging Face datasets: `load_dataset(folder)` gives `image`, `conditioning_image`, `text` and `mask`.

    The first three are what diffusers' train_controlnet.py reads unless told otherwise.  Images are decoded because the
    schema's metadata calls them so: https://huggingface.co/docs/datasets/about_dataset_features.
    """
    (export.folder / "data").mkdir()
    _write(pairs, lambda name: ParquetShard(export.folder / "data" / f"{name}.parquet"))


def write_webdataset(pairs: Iterable[Pair], export: Export) -> None:
    """For webdataset: members ``photo.png``, ``sketch.png``, ``mask.png``, ``txt`` and ``json`` of each pair.

    Source: https://github.com/webdataset/webdataset, "The WebDataset Format": files of one sample have one name up to
    the first dot, and stand next to each other.  datasets reads the same shards: ``load_dataset(folder)``.
    """
    _write(pairs, lambda name: TarShard(export.folder / f"{name}.tar"))


class Shard(Protocol):
    """A file that pairs are added to."""

    def add(self, pair: Pair) -> None:
        """Write a pair."""

    def close(self) -> None:
        """Write what is left."""


class TarShard:
    """A tar file whose bytes hang on the pairs alone."""

    def __init__(self, file: Path):
        self.tar = tarfile.open(file, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115  # closed by `close`

    def add(self, pair: Pair) -> None:
        about = json.dumps(dict(pair.about), ensure_ascii=False)
        for suffix, content in (
            ("photo.png", pair.photo),
            ("sketch.png", pair.sketch),
            ("mask.png", pair.mask),
            ("txt", pair.prompt.encode()),
            ("json", about.encode()),
        ):
            member = tarfile.TarInfo(f"{pair.name}.{suffix}")
            member.size = len(content)
            self.tar.addfile(member, BytesIO(content))

    def close(self) -> None:
        self.tar.close()


class ParquetShard:
    """A parquet file with the images inside."""

    def __init__(self, file: Path):
        self.schema = _schema()
        self.rows = pq.ParquetWriter(file, self.schema)
        self.group: list[dict[str, object]] = []

    def add(self, pair: Pair) -> None:
        contents = dict(zip(IMAGES, (pair.photo, pair.sketch, pair.mask), strict=True))
        row: dict[str, object] = {"text": pair.prompt, "name": pair.name, **pair.about}
        row |= {name: {"bytes": content, "path": f"{pair.name}.png"} for name, content in contents.items()}
        self.group.append(row)
        if len(self.group) == PAIRS_A_GROUP:
            self._write_group()

    def close(self) -> None:
        if self.group:
            self._write_group()
        self.rows.close()

    def _write_group(self) -> None:
        self.rows.write_table(pa.Table.from_pylist(self.group, schema=self.schema))
        self.group = []


def _write(pairs: Iterable[Pair], open_shard: Callable[[str], Shard]) -> None:
    """Write the pairs of each split into shards of `PAIRS_A_SHARD`."""
    shards: dict[str, Shard] = {}
    counts: Counter[str] = Counter()
    try:
        for pair in pairs:
            number, index = divmod(counts[pair.split], PAIRS_A_SHARD)
            if index == 0:
                if full := shards.pop(pair.split, None):
                    full.close()
                shards[pair.split] = open_shard(f"{HUB_SPLITS[pair.split]}-{number:05}")
            shards[pair.split].add(pair)
            counts[pair.split] += 1
    finally:
        for shard in shards.values():
            shard.close()


def _schema() -> pa.Schema:
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features = {name: {"_type": "Image"} for name in IMAGES}
    features |= {name: {"dtype": "string", "_type": "Value"} for name in TEXTS}
    schema = pa.schema([*((name, image) for name in IMAGES), *((name, pa.string()) for name in TEXTS)])
    return schema.with_metadata({"huggingface": json.dumps({"info": {"features": features}})})
