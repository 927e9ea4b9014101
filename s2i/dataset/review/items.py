"""What a review shows of each photo: its images, its caption, and the photo that it was refused for."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2i.core import quarantine
from s2i.core.errors import Unreadable, UserError
from s2i.core.records import Record, Records
from s2i.dataset.ingest.duplicates import NEAR_DUPLICATE
from s2i.imaging import decoding, io

STAGES = ("captioned", "matted", "paired", "ingested")  # the first that has run is shown
SIDE = 512  # pixels that a refused photo is shown in
MAX_MEGAPIXELS = 178
TWIN = re.compile(rf"{re.escape(NEAR_DUPLICATE)} of (.+?)(?:, mirrored)?, which is in (train|val|test)")


@dataclass(frozen=True)
class Item:
    """A photo to look at: `name` is what photos.csv calls it, `images` files by what they are.

    twin: the photo that a near-duplicate was refused for, "" for photos that are used.
    """

    name: str
    images: dict[str, Path]
    split: str = ""
    caption: str = ""
    twin: str = ""

    def pictures(self) -> list[tuple[np.ndarray, str]]:
        """The images with what they are, (H, W, 3) uint8; those that cannot be read are left out."""
        found = []
        for title, path in self.images.items():
            try:
                image = io.decode_photo(path, decoding.read_content(path, MAX_MEGAPIXELS), MAX_MEGAPIXELS)
            except Unreadable:
                continue
            found.append((io.resize_and_crop(image, SIDE) if min(image.shape[:2]) > SIDE else image, title))
        return found


def items(data: Path, photos: Path) -> list[Item]:
    """The photos of a run, and what it refused for a near-duplicate or a review, in the order of their names.

    data: the folder of the stages' outputs.  photos: the folder of the photos.
    Raises UserError when no stage has run.
    """
    stage = next((data / name for name in STAGES if (data / name / "records.parquet").exists()), None)
    if stage is None:
        raise UserError(f"{data} has no records: run `dvc repro caption` first.")
    used = {record["source"]: record for record in Records(stage)}
    found = [*(_used(record) for record in used.values()), *_not_used(data / "ingested", photos, used)]
    return sorted(found, key=lambda item: item.name)


def _used(record: Record) -> Item:
    images = {"photo": record["photo"]} | record.get("sketches", {})
    images |= {"matte": record["matte"]} if "matte" in record else {}
    paths = {title: Path(path) for title, path in images.items()}
    return Item(record["source"], paths, record["split"], record.get("caption") or "")


def _not_used(ingested: Path, photos: Path, used: dict[str, Record]) -> Iterator[Item]:
    """The near-duplicates, and what an earlier review refused."""
    for row in quarantine.read(ingested):
        if match := TWIN.fullmatch(row["reason"]):
            twin = used.get(match[1])
            images = {"refused": photos / row["file"]} | ({"like": Path(twin["photo"])} if twin else {})
            yield Item(row["file"], images, twin=match[1])
        elif row["reason"].startswith("refused "):
            yield Item(row["file"], {"refused": photos / row["file"]})
