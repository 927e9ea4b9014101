"""What a photo of a building shows: which attributes there are, and how to have them read off by `s2i.probes`."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from s2i import cache, images
from s2i.errors import UserError
from s2i.fan_out import chunked

NAMES = ("structure", "material", "style", "view", "roof", "curved", "glass", "balconies")  # what the corpus knows
YES_OR_NO = ("curved", "glass", "balconies")
BATCH = 32
BLANK = 5  # mean of a matte, of 255, below which it shows no building


def read_off(photos: Sequence[str | Path], probes: Path) -> list[dict[str, str | bool]]:
    """What the probes in a file say of each photo; from the cache where they saw it before.

    Raises UserError when the file is not there or holds no probes.
    """
    if not Path(probes).exists():
        raise UserError(f"{probes} is missing: it comes with data/base; restore it with git.")
    code = cache.code(__name__, "s2i.probes", "s2i.metrics.frechet", "s2i.tensors")
    made_by = ["attributes", code, cache.file_hash(probes)]
    keys = [(*made_by, cache.file_hash(photo)) for photo in photos]
    known = [cache.recall(*key) for key in keys]
    missing = [place for place, prediction in enumerate(known) if prediction is None]
    if not missing:
        return known
    from s2i.probes import Probes, features  # torch takes seconds

    loaded = Probes.load(probes)
    for places in tqdm(list(chunked(missing, BATCH)), desc="reading attributes", unit="batch", leave=False):
        predictions = loaded.predict(features([images.read(photos[place]) for place in places]))
        for place, prediction in zip(places, predictions, strict=True):
            known[place] = cache.keep(prediction, *keys[place])
    return known


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
    """The share of each attribute's values that were predicted right, over the rows whose truth is known."""
    shares = {}
    for name in (*NAMES, "color"):
        known = [(guess, row) for guess, row in zip(predicted, truth, strict=True) if row.get(name) is not None]
        if known and name in predicted[0]:
            shares[name] = float(np.mean([stated(guess, name) == stated(row, name) for guess, row in known]))
    return shares


def stated(row: dict, name: str) -> str:
    """An attribute as a word: yes or no where it is counted or a flag."""
    return ("yes" if row[name] else "no") if name in YES_OR_NO else str(row[name]).strip().lower()
