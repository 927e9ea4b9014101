"""Photos read, checked, made square and of one size, and split; what cannot be used is quarantined with its reason."""

from collections import Counter
from collections.abc import Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from s2i.core import cache, quarantine
from s2i.core.errors import UserError
from s2i.core.parallel import fan_out
from s2i.core.params import Ingest, Workers
from s2i.core.quarantine import Refused
from s2i.core.records import is_licensed
from s2i.dataset.ingest import duplicates, sources
from s2i.dataset.ingest.sources.listing import Photo
from s2i.imaging import io


class Identified(NamedTuple):
    """A photo that can be opened, by the hash of its file, and its width and height."""

    digest: str
    photo: Photo
    size: tuple[int, int]


def ingest(
    source: Path, folder: Path, resolution: int, seed: int, params: Ingest, workers: Workers
) -> tuple[list, dict]:
    """The records of the photos at ``source``, and figures about them.

    Writes photos/, and where they came along given/, labels/ and mattes/, into folder, each resolution x resolution
    and cropped alike, and quarantine.csv (file, reason).  Raises UserError when no photo is found, or when none
    is left to train on or to test with.
    """
    found = list(sources.find(source, params))
    if not found:
        raise UserError(f"{source} holds no photos ({', '.join(sorted(io.readable()))}): put some there.")
    identified = fan_out(partial(_identified, max_megapixels=params.max_megapixels), found, "checking", workers)
    chosen = _without_duplicates(_licensed(outcome, params.require_licence) for outcome in identified)
    convert = partial(_converted, folder=folder, resolution=resolution, max_megapixels=params.max_megapixels)
    converted = list(chain.from_iterable(fan_out(convert, chosen, "reading", workers)))

    records = [outcome for outcome in converted if not isinstance(outcome, Refused)]
    for record in records:
        record["split"] = split_of(record["id"], seed, params.val, params.test)
    records, leaks = duplicates.without_leaks(records, params.near_duplicate)
    _remove_unused(folder, records)
    refused = [outcome for outcome in converted if isinstance(outcome, Refused)] + leaks
    quarantine.write(refused, folder)
    _check_splits(records, refused, source)
    return records, _figures(records, refused)


def split_of(id: str, seed: int, val: float, test: float) -> str:
    """train, val or test.  It depends on the photo's own id, so photos stay where they are when others come."""
    place = int(cache.fingerprint(seed, id)[:13], 16) / 16**13
    return "test" if place < test else "val" if place < test + val else "train"


def _identified(photo: Photo | Refused, max_megapixels: float) -> Identified | Refused:
    if isinstance(photo, Refused):
        return photo
    try:
        photo.name.encode()
        size = io.photo_size(photo.file, max_megapixels)
        return Identified(cache.file_hash(photo.file), photo, size)
    except io.Unreadable as error:
        return Refused(photo.name, error.reason, error.detail)
    except UnicodeEncodeError:
        return Refused(photo.name, "name is not UTF-8", "(rename the file)")


def _without_duplicates(identified: Iterable) -> list[Identified | Refused]:
    first, unique = {}, []
    for outcome in identified:
        if not isinstance(outcome, Refused):
            photo = first.setdefault(outcome.digest, outcome.photo)
            if photo is not outcome.photo:
                again = outcome.photo
                companions = ", ".join(file.name for file in (*again.sketches, again.labels, again.matte) if file)
                detail = f"of {photo.name}" + (f"; not used with it: {companions}" if companions else "")
                outcome = Refused(again.name, "duplicate", detail)
        unique.append(outcome)
    return unique


def _licensed(identified: Identified | Refused, required: bool) -> Identified | Refused:
    if isinstance(identified, Refused) or not required or is_licensed(identified.photo.columns):
        return identified
    return Refused(
        identified.photo.name, "no licence", "with an author or a source_url, and ingest.require_licence is on"
    )


def _converted(
    identified: Identified | Refused, folder: Path, resolution: int, max_megapixels: float
) -> list[dict | Refused]:
    """The record of a photo, if it has become one, and what of it cannot be used."""
    if isinstance(identified, Refused):
        return [identified]
    digest, photo, size = identified
    id = digest[:16]
    record = {"id": id, "source": photo.name, "photo": str(folder / "photos" / f"{id}.png")} | photo.columns

    def normalise(draft: Path) -> None:
        image = io.read_photo(photo.file, max_megapixels)
        io.write_png(draft, io.resize_and_crop(image, resolution))

    try:
        cache.produce(Path(record["photo"]), normalise, "photo", cache.code(__name__), digest, resolution)
        record["width"], record["height"] = size
        seen = cache.code(duplicates.__name__), cache.file_hash(record["photo"])
        record["motif"] = cache.remember(lambda: duplicates.motif(io.read(Path(record["photo"]))), "motif", *seen)
    except io.Unreadable as error:
        return [Refused(photo.name, error.reason, error.detail)]

    refused = []

    def kept(file: Path, kind: str, name: str) -> list[str]:
        """Where a companion now stands: one path, or none if it cannot be used."""
        try:
            _companion(file, folder / kind / name, size, resolution, max_megapixels, is_labels=kind == "labels")
        except io.Unreadable as error:
            reason = f"{error.reason} {error.detail}".strip()
            refused.append(Refused(photo.name, "unusable companion", f"{file.name}: {reason}"))
            return []
        return [str(folder / kind / name)]

    given = [kept(file, "given", f"{id}-{number}.png") for number, file in enumerate(photo.sketches, start=1)]
    record["given_sketches"] = list(chain.from_iterable(given))
    for column, kind, file in (("truth_labels", "labels", photo.labels), ("truth_matte", "mattes", photo.matte)):
        for path in kept(file, kind, f"{id}.png") if file else ():
            record[column] = path
    return [record, *refused]


def _companion(
    file: Path, target: Path, size: tuple[int, int], resolution: int, max_megapixels: float, is_labels: bool
) -> None:
    """Write a sketch, matte or label map to target, resized and cropped as its photo of `size` was.

    Raises Unreadable when it is no image, or not of the photo's shape.
    """
    width, height = io.photo_size(file, max_megapixels)
    if abs(width * size[1] - height * size[0]) > 0.02 * width * size[1]:
        raise io.Unreadable("shape", f"{width} x {height} while the photo is {size[0]} x {size[1]}")

    def normalise(draft: Path) -> None:
        if is_labels:
            image = io.resize_and_crop(io.read_labels(file), resolution, io.NEAREST)
        else:
            image = io.resize_and_crop(io.grey(io.read_photo(file, max_megapixels)), resolution)
        io.write_png(draft, image)

    code = cache.code(__name__)
    cache.produce(target, normalise, "companion", code, cache.file_hash(file), resolution, is_labels)


def _remove_unused(folder: Path, records: list[dict]) -> None:
    """Delete the images of photos that were read and then not used."""
    used = {record["id"] for record in records}
    for kind in ("photos", "given", "labels", "mattes"):
        for file in (folder / kind).glob("*.png"):
            if file.name[:16] not in used:
                file.unlink()


def _check_splits(records: list[dict], refused: list[Refused], source: Path) -> None:
    reasons = ", ".join(f"{count} {why}" for why, count in Counter(outcome.why for outcome in refused).items())
    if not records:
        raise UserError(f"none of the {len(refused)} files in {source} can be used ({reasons}).")
    for split, remedy in {
        "train": "lower ingest.test and ingest.val",
        "val": "raise ingest.val",
        "test": "raise ingest.test",
    }.items():
        if not any(record["split"] == split for record in records):
            raise UserError(
                f"none of the {len(records)} photos in {source} fell to {split}: "
                f"add photos, or {remedy} in params.yaml" + (f"; not used are {reasons}." if refused else ".")
            )


def _figures(records: list[dict], refused: list[Refused]) -> dict:
    reasons = Counter(outcome.why for outcome in refused)
    splits = Counter(record["split"] for record in records)
    return {
        "photos": len(records),
        **{split: splits[split] for split in ("train", "val", "test")},
        "quarantined": len(refused),
        "duplicates": reasons["duplicate"],
        "near_duplicates": reasons[duplicates.NEAR_DUPLICATE],
        "unlicensed": sum(not is_licensed(record) for record in records),
        "quarantined_by_reason": dict(reasons),
        "licences": dict(Counter(record.get("licence") or "unknown" for record in records)),
    }
