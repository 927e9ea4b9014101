"""What a photo of a building shows: which attributes there are, and how to have them read off by `s2i.probes`."""

from collections.abc import Sequence
from functools import cache as once
from pathlib import Path

import numpy as np

from s2i import cache, images
from s2i.errors import UserError

NAMES = ("structure", "material", "style", "view", "roof", "curved", "glass", "balconies")  # what the corpus knows
YES_OR_NO = ("curved", "glass", "balconies")
BLANK = 5  # mean of a matte, of 255, below which it shows no building


def read_off(photo: str | Path, probes: Path) -> dict[str, str | bool]:
    """What the probes in a file say of a photo; from the cache where they saw it before.

    Raises UserError when the file is not there or holds no probes.
    """
    if not Path(probes).exists():
        raise UserError(f"{probes} is missing: it comes with data/base; restore it with git.")

    def look() -> dict[str, str | bool]:
        from s2i.probes import features, loaded  # torch takes seconds

        (prediction,) = loaded(probes).predict(features([images.read(photo)]))
        return prediction

    return cache.remember(look, "attributes", *_made_by(probes), cache.file_hash(photo))


@once
def _made_by(probes: Path) -> tuple:
    """What a prediction hangs on beside the photo."""
    return cache.code(__name__, "s2i.probes", "s2i.metrics.frechet", "s2i.tensors"), cache.file_hash(probes)


def wall_color(record: dict) -> str:
    """The colour of a photo's building inside its matte; from the cache where it was looked at before."""
    pictures = [record[name] for name in ("photo", "matte") if record.get(name)]

    def look() -> str:
        mask = images.read_grey(Path(record["matte"])) if record.get("matte") else None
        if mask is not None and mask.mean() < BLANK:
            mask = None  # the matte missed the building: look where walls usually are
        from s2i import colors  # scipy takes half a second

        return colors.dominant_color(images.read(Path(record["photo"])), mask)

    return cache.remember(look, "wall", cache.code(__name__, "s2i.colors"), *map(cache.file_hash, pictures))


def accuracy(predicted: Sequence[dict], truth: Sequence[dict]) -> dict[str, float]:
    """The share of each attribute's values that were predicted right, over the rows where it is known and predicted."""
    shares = {}
    for name in (*NAMES, "color"):
        rows = [(guess, row) for guess, row in zip(predicted, truth, strict=True) if name in guess]
        right = [stated(guess, name) == stated(row, name) for guess, row in rows if row.get(name) is not None]
        if right:
            shares[name] = float(np.mean(right))
    return shares


def stated(row: dict, name: str) -> str:
    """An attribute as a word: yes or no where it is counted or a flag."""
    return ("yes" if row[name] else "no") if name in YES_OR_NO else str(row[name]).strip().lower()
