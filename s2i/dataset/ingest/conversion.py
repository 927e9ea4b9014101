"""A photo, and what came along with it, read from any format and written as squares of one size."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from s2i.core import cache
from s2i.core.quarantine import Refused
from s2i.dataset.ingest import duplicates
from s2i.dataset.ingest.sources.listing import Photo
from s2i.imaging import io

ID_DIGITS = 16  # of the hash of a photo's file


class Identified(NamedTuple):
    """A photo that can be opened, by the hash of its file, and its width and height in pixels."""

    digest: str
    photo: Photo
    size: tuple[int, int]


@dataclass(frozen=True)
class Conversion:
    """Images are written into folder at resolution x resolution; those of more than max_megapixels are refused."""

    folder: Path
    resolution: int
    max_megapixels: float


def convert(identified: Identified | Refused, conversion: Conversion) -> list[dict | Refused]:
    """The record of a photo, if it has become one, and what of it cannot be used."""
    if isinstance(identified, Refused):
        return [identified]
    digest, photo, size = identified
    photo_id = digest[:ID_DIGITS]
    target = conversion.folder / "photos" / f"{photo_id}.png"

    def normalise(draft: Path) -> None:
        image = io.read_photo(photo.file, conversion.max_megapixels)
        io.write_png(draft, io.resize_and_crop(image, conversion.resolution))

    try:
        cache.produce(target, normalise, "photo", cache.code(__name__), digest, conversion.resolution)
    except io.Unreadable as error:
        return [Refused(photo.name, error.reason, error.detail)]
    record = {"id": photo_id, "source": photo.name, "photo": str(target)} | photo.columns
    record["width"], record["height"] = size
    motif_key = cache.code(duplicates.__name__), cache.file_hash(target)
    record["motif"] = cache.remember(lambda: duplicates.motif(io.read(target)), "motif", *motif_key)
    companions, refused = _convert_companions(identified, conversion)
    return [record | companions, *refused]


def _convert_companions(identified: Identified, conversion: Conversion) -> tuple[dict, list[Refused]]:
    """The columns of a record that hold what came with its photo, and what of that cannot be used."""
    digest, photo, size = identified
    photo_id = digest[:ID_DIGITS]
    files = [("given_sketches", file, f"given/{photo_id}-{k}.png") for k, file in enumerate(photo.sketches, start=1)]
    files += [("truth_labels", photo.labels, f"labels/{photo_id}.png")] if photo.labels else []
    files += [("truth_matte", photo.matte, f"mattes/{photo_id}.png")] if photo.matte else []
    columns: dict = {"given_sketches": []}
    refused = []
    for column, file, name in files:
        target = conversion.folder / name
        try:
            _write_companion(file, target, size, conversion, is_labels=column == "truth_labels")
        except io.Unreadable as error:
            reason = f"{error.reason} {error.detail}".strip()
            refused.append(Refused(photo.name, "unusable companion", f"{file.name}: {reason}"))
            continue
        if column == "given_sketches":
            columns[column].append(str(target))
        else:
            columns[column] = str(target)
    return columns, refused


def _write_companion(file: Path, target: Path, size: tuple[int, int], conversion: Conversion, is_labels: bool) -> None:
    """Write a sketch, matte or label map to target, resized and cropped as its photo of `size` was.

    Raises Unreadable when it is no image, or not of the photo's shape.
    """
    width, height = io.photo_size(file, conversion.max_megapixels)
    if abs(width * size[1] - height * size[0]) > 0.02 * width * size[1]:
        raise io.Unreadable("shape", f"{width} x {height} while the photo is {size[0]} x {size[1]}")

    def normalise(draft: Path) -> None:
        if is_labels:
            image = io.resize_and_crop(io.read_labels(file), conversion.resolution, io.NEAREST)
        else:
            grey = io.grey(io.read_photo(file, conversion.max_megapixels))
            image = io.resize_and_crop(grey, conversion.resolution)
        io.write_png(draft, image)

    key = cache.code(__name__), cache.file_hash(file), conversion.resolution, is_labels
    cache.produce(target, normalise, "companion", *key)
