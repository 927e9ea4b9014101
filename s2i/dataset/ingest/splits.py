"""Which photos are trained with, which validate a training, and which test the trained model."""

from collections.abc import Mapping, Sequence

from s2i.core import cache
from s2i.core.params import Ingest
from s2i.core.records import Record

LEAST_TO_VALIDATE = 3  # photos: fewer would choose the best weights by chance


def splits_of(
    records: Sequence[Record], seed: int, params: Ingest, given: Mapping[str, str] | None = None
) -> list[str]:
    """train, val or test for each record; photos of one ``group`` stand together.

    Groups, and photos of none, are ranked by a hash of what they are.  The first of them are to test with, or with
    ``params.folds`` the ``params.fold``-th part of them; the last of the others validate, three photos at least; so the
    shares are those asked for, and a new photo moves one other at each of the two borders at most.  Without
    ``params.hold_out`` all are trained with.

    given: {id: split} of photos that came with one.  To validate or to test stay those that are given for it, where
    any are; folds deal all photos anew.
    """
    splits = ["train"] * len(records)
    if not params.hold_out:
        return splits
    units = _ranked_units(records, seed)
    given = {} if params.folds or not given else given
    chosen = {split: [unit for unit in units if _given_to(unit, records, given) == split] for split in ("test", "val")}
    units = [unit for unit in units if _given_to(unit, records, given) is None]
    if params.folds:
        ends = [round(len(records) * fold / params.folds) for fold in (params.fold, params.fold + 1)]
        first, beyond = (len(_first_of(units, end)) for end in ends)
    else:
        to_test = round(params.test * sum(map(len, units))) or int(params.test > 0)
        first, beyond = 0, 0 if chosen["test"] else len(_first_of(units, to_test))
    chosen["test"] += units[first:beyond]
    if not chosen["val"]:
        others = units[:first] + units[beyond:]
        to_validate = max(LEAST_TO_VALIDATE, round(params.val * sum(map(len, units))))
        chosen["val"] = _first_of(others[::-1], to_validate, LEAST_TO_VALIDATE)
    for split, units_of_split in chosen.items():
        for index in (index for unit in units_of_split for index in unit):
            splits[index] = split
    return splits


def _given_to(unit: Sequence[int], records: Sequence[Record], given: Mapping[str, str]) -> str | None:
    """val or test where a photo of the group came with it, else None."""
    splits = (given.get(records[index]["id"]) for index in unit)
    return next((split for split in splits if split in ("val", "test")), None)


def _ranked_units(records: Sequence[Record], seed: int) -> list[list[int]]:
    """The indices of the records of each group, or of each record without one, in an order that hangs on them alone."""
    units: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        units.setdefault(f"group {record['group']}" if record.get("group") else record["id"], []).append(index)
    return [units[key] for key in sorted(units, key=lambda key: cache.fingerprint(seed, key))]


def _first_of(units: Sequence[list[int]], count: int, least: int = 0) -> list[list[int]]:
    """The first units that hold together as nearly ``count`` photos as they can, and not fewer than ``least``."""
    chosen: list[list[int]] = []
    total = 0
    for unit in units:
        if total >= least and abs(total + len(unit) - count) >= abs(total - count):
            break
        chosen.append(unit)
        total += len(unit)
    return chosen
