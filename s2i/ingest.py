"""Photos read, checked, made square and of one size, and split; what cannot be used is quarantined with its reason."""

import csv
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np

from s2i import cache, images
from s2i.errors import UserError
from s2i.fan_out import fan_out
from s2i.params import Ingest, Work
from s2i.sources.folder import Photo, Refused, find


def ingest(source: Path, folder: Path, resolution: int, seed: int, params: Ingest, work: Work) -> tuple[list, dict]:
    """The records of a folder of photos, and figures about them.

    Writes photos/, and where they came along given/, labels/ and mattes/, into folder, each resolution x resolution
    and cropped alike, and quarantine.csv (file, reason).  Raises UserError when no photo is found, or when none
    is left to train on or to test with.
    """
    found = list(find(source))
    if not found:
        raise UserError(f"{source} holds no photos (jpg, png, webp, bmp, tiff or gif): put some there.")
    identified = fan_out(partial(_identified, max_megapixels=params.max_megapixels), found, "checking", work)
    unique = _without_duplicates(identified)
    convert = partial(_converted, folder=folder, resolution=resolution, max_megapixels=params.max_megapixels)
    converted = fan_out(convert, unique, "reading", work)

    refused = [outcome for outcome in converted if isinstance(outcome, Refused)]
    records = [outcome for outcome in converted if not isinstance(outcome, Refused)]
    for record in records:
        record["split"] = split_of(record["id"], seed, params.val, params.test)
    _write_quarantine(folder / "quarantine.csv", refused)
    _check_splits(records, refused, source)
    return records, _figures(records, refused)


def split_of(id: str, seed: int, val: float, test: float) -> str:
    """train, val or test.  It depends on the photo's own id, so photos stay where they are when others come."""
    place = int(cache.fingerprint(seed, id)[:13], 16) / 16**13
    return "test" if place < test else "val" if place < test + val else "train"


def _identified(photo: Photo | Refused, max_megapixels: float) -> tuple[str, Photo] | Refused:
    if isinstance(photo, Refused):
        return photo
    try:
        images.photo_size(photo.file, max_megapixels)
        return cache.file_hash(photo.file), photo
    except images.Unreadable as error:
        return Refused(photo.name, error.reason, error.detail)


def _without_duplicates(identified: Iterable) -> list[tuple[str, Photo] | Refused]:
    first, unique = {}, []
    for outcome in identified:
        if not isinstance(outcome, Refused):
            digest, photo = outcome
            if first.setdefault(digest, photo) is not photo:
                outcome = Refused(photo.name, "duplicate", f"of {first[digest].name}")
        unique.append(outcome)
    return unique


def _converted(
    identified: tuple[str, Photo] | Refused, folder: Path, resolution: int, max_megapixels: float
) -> dict | Refused:
    if isinstance(identified, Refused):
        return identified
    digest, photo = identified
    name = f"{digest[:16]}.png"
    record = {"id": digest[:16], "source": photo.name, "photo": str(folder / "photos" / name)} | photo.columns

    def normalise(draft: Path) -> None:
        picture = images.read_photo(photo.file, max_megapixels)
        images.write_png(draft, images.resize_and_crop(picture, resolution))

    try:
        cache.produce(Path(record["photo"]), normalise, "photo", cache.code(__name__, "s2i.images"), digest, resolution)
        size = record["width"], record["height"] = images.photo_size(photo.file, max_megapixels)
        for column, kind in {"given_sketch": "given", "truth_labels": "labels", "truth_matte": "mattes"}.items():
            if column in photo.columns:
                picture = _companion(Path(photo.columns[column]), size, resolution, max_megapixels, kind == "labels")
                images.write_png(folder / kind / name, picture)
                record[column] = str(folder / kind / name)
    except images.Unreadable as error:
        return Refused(photo.name, error.reason, error.detail)
    return record


def _companion(
    file: Path, size: tuple[int, int], resolution: int, max_megapixels: float, is_labels: bool
) -> np.ndarray:
    """A sketch, matte or label map, resized and cropped as its photo of `size` was; (resolution, resolution) uint8."""
    try:
        width, height = images.photo_size(file, max_megapixels)
        if abs(width * size[1] - height * size[0]) > 0.02 * width * size[1]:
            raise images.Unreadable("shape", f"{width} x {height} while the photo is {size[0]} x {size[1]}")
        if is_labels:
            return images.resize_and_crop(images.read_labels(file), resolution, images.NEAREST)
        return images.resize_and_crop(images.grey(images.read_photo(file, max_megapixels)), resolution)
    except images.Unreadable as error:
        raise images.Unreadable("unusable companion", f"{file.name}: {error.reason} {error.detail}".strip()) from None


def _write_quarantine(file: Path, refused: list[Refused]) -> None:
    with open(file, "w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("file", "reason"))
        writer.writerows((outcome.name, outcome.reason) for outcome in refused)


def _check_splits(records: list[dict], refused: list[Refused], source: Path) -> None:
    if not records:
        reasons = ", ".join(f"{count} {why}" for why, count in Counter(outcome.why for outcome in refused).items())
        raise UserError(f"none of the {len(refused)} files in {source} can be used ({reasons}).")
    for split, remedy in {
        "train": "lower ingest.test and ingest.val",
        "val": "raise ingest.val",
        "test": "raise ingest.test",
    }.items():
        if not any(record["split"] == split for record in records):
            raise UserError(
                f"none of the {len(records)} photos in {source} fell to {split}: "
                f"add photos, or {remedy} in params.yaml."
            )


def _figures(records: list[dict], refused: list[Refused]) -> dict:
    reasons = Counter(outcome.why for outcome in refused)
    splits = Counter(record["split"] for record in records)
    return {
        "photos": len(records),
        **{split: splits[split] for split in ("train", "val", "test")},
        "quarantined": len(refused),
        "duplicates": reasons["duplicate"],
        "quarantined_by_reason": dict(reasons),
        "licences": dict(Counter(record.get("licence") or "unknown" for record in records)),
    }
