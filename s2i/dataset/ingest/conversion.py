"""A photo, and what came along with it, read from any format and written in its shape, no side beyond one length."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from s2i.core import cache
from s2i.core.quarantine import Refused
from s2i.dataset.ingest import duplicates
from s2i.dataset.ingest.sources.listing import Photo
from s2i.imaging import decoding, io, shapes

ID_DIGITS = 16  # of the hash of a photo's file
MAX_ENLARGEMENT = 2  # times; what is smaller holds too little to learn from
SAME = 2.0  # of 255: a mean difference below this is that of two files of one image


class Identified(NamedTuple):
    """A photo that can be opened, by the hash of its file, and its width and height in pixels."""

    digest: str
    photo: Photo
    size: tuple[int, int]


@dataclass(frozen=True)
class Conversion:
    """Images are written into folder, their longest side ``resolution``; above max_megapixels they are refused."""

    folder: Path
    resolution: int
    max_megapixels: float


def identify(photo: Photo, conversion: Conversion) -> Identified:
    """A photo read once: hashed, checked, and brought to size in the cache, all from the same bytes.

    Raises Unreadable for what is not a whole image, is blank, or is too small.
    """
    content = decoding.read_content(photo.file, conversion.max_megapixels)
    size = io.photo_size(photo.file, content, conversion.max_megapixels)
    if min(max(size), shapes.LONGEST * min(size)) * MAX_ENLARGEMENT < conversion.resolution:
        raise io.Unreadable("too small", f"({size[0]} x {size[1]} for a resolution of {conversion.resolution})")
    identified = Identified(sha256(content).hexdigest(), photo, size)
    _fit(identified, conversion, cache.made, ".png", content)
    return identified


def convert(identified: Identified | Refused, conversion: Conversion) -> list[dict | Refused]:
    """The record of a photo, if it has become one, and what of it cannot be used."""
    if isinstance(identified, Refused):
        return [identified]
    digest, photo, size = identified
    photo_id = digest[:ID_DIGITS]
    target = conversion.folder / "photos" / f"{photo_id}.png"
    try:
        written = _fit(identified, conversion, cache.produce, target)
    except io.Unreadable as error:
        return [Refused(photo.name, error.reason, error.detail)]
    record = {"id": photo_id, "source": photo.name, "photo": str(target)} | photo.columns
    record["width"], record["height"] = size
    motif_key = cache.code(duplicates.__name__), written
    motifs = cache.remember(lambda: duplicates.motifs(io.read(target)), "motifs", *motif_key)
    record["motif"], record["mirrored_motif"] = motifs
    companions, refused = _convert_companions(identified, conversion, target)
    return [record | companions, *refused]


def _fit(
    identified: Identified, conversion: Conversion, keep: Callable, target: Path | str, content: bytes | None = None
) -> Any:
    """Have ``keep``, one of `cache.made` and `cache.produce`, make the fitted image of a photo; what it gives back.

    content: the bytes of its file, where they have been read; raises Unreadable where they are no longer the same.
    """
    file = identified.photo.file

    def normalise(draft: Path) -> None:
        data = decoding.read_content(file, conversion.max_megapixels) if content is None else content
        if sha256(data).hexdigest() != identified.digest:
            raise io.Unreadable("changed while it was read", "(run again)")
        image = shapes.fit(io.decode_photo(file, data, conversion.max_megapixels), conversion.resolution)
        if io.is_blank(image):
            raise io.Unreadable("blank")
        io.write_png(draft, image)

    return keep(target, normalise, "photo", cache.code(__name__), identified.digest, conversion.resolution)


def _convert_companions(identified: Identified, conversion: Conversion, fitted: Path) -> tuple[dict, list[Refused]]:
    """The columns of a record that hold what came with its photo, and what of that cannot be used.

    fitted: the photo as it was brought to size.
    """
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
            made_of = _write_companion(file, target, size, conversion, column)
            if column == "given_sketches":
                _check_that_it_is_drawn(target, fitted, made_of, digest, conversion.resolution)
                columns[column].append(str(target))
            else:
                columns[column] = str(target)
        except io.Unreadable as error:
            target.unlink(missing_ok=True)
            refused.append(Refused(photo.name, "unusable companion", f"{file.name}: {error.sentence}"))
    return columns, refused


def _write_companion(file: Path, target: Path, size: tuple[int, int], conversion: Conversion, column: str) -> str:
    """Write a sketch, matte or label map to target, as large as its photo of `size` is; the file's hash.

    Raises Unreadable when it is no image, not of the photo's shape, or a blank sketch.
    """
    most = conversion.max_megapixels
    content = decoding.read_content(file, most)
    width, height = io.photo_size(file, content, most)
    if abs(width * size[1] - height * size[0]) > 0.02 * width * size[1]:
        raise io.Unreadable("shape", f"{width} x {height} while the photo is {size[0]} x {size[1]}")

    fitted = shapes.fitted(*size, conversion.resolution)

    def normalise(draft: Path) -> None:
        if column == "truth_labels":
            image = io.resize_and_crop(io.decode_labels(file, content, most), fitted, io.NEAREST)
        else:
            image = io.resize_and_crop(io.grey(io.decode_photo(file, content, most)), fitted)
            if column == "given_sketches" and io.is_blank(image):
                raise io.Unreadable("blank")
            if column == "given_sketches" and np.median(image) < 128:
                image = 255 - image  # light strokes on black, as control images of other programs have them
        io.write_png(draft, image)

    digest = sha256(content).hexdigest()
    cache.produce(target, normalise, "companion", cache.code(__name__), digest, fitted, column)
    return digest


def _check_that_it_is_drawn(sketch: Path, photo: Path, sketch_hash: str, photo_hash: str, resolution: int) -> None:
    """Raise Unreadable where a sketch shows what its photo shows, shade by shade."""

    def difference() -> float:
        return float(np.abs(io.read_grey(sketch).astype(int) - io.grey(io.read(photo))).mean())

    key = "difference", cache.code(__name__), sketch_hash, photo_hash, resolution
    if cache.remember(difference, *key) < SAME:
        raise io.Unreadable("the photo itself", "and no sketch of it")
