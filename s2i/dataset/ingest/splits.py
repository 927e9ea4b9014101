"""Which photos are trained with, which validate a training, and which test the trained model."""

from collections.abc import Sequence

from s2i.core import cache
from s2i.core.params import Ingest
from s2i.core.records import Record

LEAST_TO_VALIDATE = 3  # photos: fewer would choose the best weights by chance


def splits_of(records: Sequence[Record], seed: int, params: Ingest) -> list[str]:
    """train, val or test for each record; photos of one ``group`` stand together.

    Groups, and photos of none, are ranked by a hash of what they are.  The first of them are to test with, or with
    ``params.folds`` the ``params.fold``-th part of them; the last of the others validate, three photos at least; so the
    shares are those asked for, and a new photo moves one other at each of the two borders at most.  Without
    ``params.hold_out`` all are trained with.
    """
    splits = ["train"] * len(records)
    if not params.hold_out:
        return splits
    units = _ranked_units(records, seed)
    if params.folds:
        ends = [round(len(records) * fold / params.folds) for fold in (params.fold, params.fold + 1)]
        first, beyond = (len(_first_of(units, end)) for end in ends)
    else:
        first, beyond = 0, len(_first_of(units, round(params.test * len(records)) or int(params.test > 0)))
    others = units[:first] + units[beyond:]
    to_validate = _first_of(others[::-1], max(LEAST_TO_VALIDATE, round(params.val * len(records))), LEAST_TO_VALIDATE)
    for split, chosen in (("test", units[first:beyond]), ("val", to_validate)):
        for index in (index for unit in chosen for index in unit):
            splits[index] = split
    return splits


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
