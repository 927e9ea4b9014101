"""Photos read, checked, brought to size and split; what cannot be used is quarantined with its reason."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain
from pathlib import Path

from s2i.core import quarantine
from s2i.core.errors import UserError
from s2i.core.parallel import fan_out
from s2i.core.params import Ingest, Workers
from s2i.core.quarantine import Refused
from s2i.core.records import SPLITS, is_licensed
from s2i.dataset.ingest import duplicates, splits
from s2i.dataset.ingest.conversion import ID_DIGITS, Conversion, Identified, convert, identify
from s2i.dataset.ingest.sources.layouts import find_photos
from s2i.dataset.ingest.sources.listing import Photo
from s2i.imaging import io


def ingest(
    source: Path, folder: Path, resolution: int, seed: int, params: Ingest, workers: Workers
) -> tuple[list[dict], dict]:
    """The records of the photos at ``source``, and figures about them.

    Writes into folder: photos/; given/, labels/ and mattes/ with what came along; quarantine.csv (file, reason).  All
    images have the photo's shape and the longest side ``resolution``, see `s2i.imaging.shapes`.
    Raises UserError when no photo is found, or when none is left to train on, to validate or to test with.
    """
    photos = list(find_photos(source, params))
    where = params.url or source
    if not photos:
        raise UserError(f"{where} holds no photos ({', '.join(sorted(io.readable()))}): put some there.")
    conversion = Conversion(folder, resolution, params.max_megapixels)
    candidates = [_refuse_unlicensed(photo, params.require_licence) for photo in photos]
    unique = _without_duplicates(fan_out(partial(_identify, conversion=conversion), candidates, "reading", workers))
    outcomes = list(chain.from_iterable(fan_out(partial(convert, conversion=conversion), unique, "writing", workers)))

    records = [outcome for outcome in outcomes if not isinstance(outcome, Refused)]
    records, leaks = _split(records, seed, params)
    _remove_unused_images(folder, records)
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)] + leaks
    quarantine.write(refused, folder)
    _check_splits(records, refused, where, params)
    return records, _figures(records, refused)


def _split(records: list[dict], seed: int, params: Ingest) -> tuple[list[dict], list[Refused]]:
    """The records with their splits, and those refused that show a motif of another split.

    What is refused leaves a gap in its split, so the others are split again until none is.
    """
    refused: list[Refused] = []
    given = {record["id"]: record["split"] for record in records if "split" in record}  # they came with the photos
    distinct = {record["id"] for record in records if record.pop("distinct", False)}
    while True:
        for record, split in zip(records, splits.splits_of(records, seed, params, given), strict=True):
            record["split"] = split
        records, leaks = duplicates.without_leaks(records, params.near_duplicate, distinct)
        if not leaks:
            return records, refused
        refused += leaks


def _identify(photo: Photo | Refused, conversion: Conversion) -> Identified | Refused:
    if isinstance(photo, Refused):
        return photo
    try:
        photo.name.encode()
        return identify(photo, conversion)
    except io.Unreadable as error:
        return Refused(photo.name, error.reason, error.detail)
    except UnicodeEncodeError:
        return Refused(photo.name, "name is not UTF-8", "(rename the file)")


def _refuse_unlicensed(photo: Photo | Refused, is_required: bool) -> Photo | Refused:
    if isinstance(photo, Refused) or not is_required or is_licensed(photo.columns):
        return photo
    return Refused(photo.name, "no licence", "with an author or a source_url, and ingest.require_licence is on")


def _without_duplicates(outcomes: Iterable[Identified | Refused]) -> list[Identified | Refused]:
    """The same in order, files that an earlier one equals byte for byte refused."""
    first_of: dict[str, Photo] = {}
    unique: list[Identified | Refused] = []
    for outcome in outcomes:
        if not isinstance(outcome, Refused):
            first = first_of.setdefault(outcome.digest, outcome.photo)
            if first is not outcome.photo:
                outcome = _duplicate(outcome.photo, first)
        unique.append(outcome)
    return unique


def _duplicate(photo: Photo, first: Photo) -> Refused:
    companions = ", ".join(file.name for file in (*photo.sketches, photo.labels, photo.matte) if file)
    detail = f"of {first.name}" + (f"; not used with it: {companions}" if companions else "")
    return Refused(photo.name, "duplicate", detail)


def _remove_unused_images(folder: Path, records: Sequence[dict]) -> None:
    """Delete the images of photos that were read and then not used."""
    used = {record["id"] for record in records}
    for kind in ("photos", "given", "labels", "mattes"):
        for file in (folder / kind).glob("*.png"):
            if file.name[:ID_DIGITS] not in used:
                file.unlink()


def _check_splits(records: Sequence[dict], refused: Sequence[Refused], source: Path | str, params: Ingest) -> None:
    reasons = ", ".join(f"{count} {why}" for why, count in Counter(outcome.why for outcome in refused).items())
    if not records:
        raise UserError(f"none of the {len(refused)} files in {source} can be used ({reasons}).")
    remedies = {"train": "lower ingest.test and ingest.val"}
    if params.hold_out:
        remedies |= {
            "val": "lower ingest.test",
            "test": "lower ingest.folds" if params.folds else "raise ingest.test",
        }
    for split, remedy in remedies.items():
        if not any(record["split"] == split for record in records):
            raise UserError(
                f"none of the {len(records)} photos in {source} fell to {split}: "
                f"add photos, or {remedy} in params.yaml" + (f"; not used are {reasons}." if refused else ".")
            )


def _figures(records: Sequence[dict], refused: Sequence[Refused]) -> dict:
    reasons = Counter(outcome.why for outcome in refused)
    splits = Counter(record["split"] for record in records)
    return {
        "photos": len(records),
        **{split: splits[split] for split in SPLITS},
        "quarantined": len(refused),
        "duplicates": reasons["duplicate"],
        "near_duplicates": reasons[duplicates.NEAR_DUPLICATE],
        "unlicensed": sum(not is_licensed(record) for record in records),
        "quarantined_by_reason": dict(reasons),
        "licences": dict(Counter(record.get("licence") or "unknown" for record in records)),
    }
