"""What a photo of a building shows: attributes that `s2i.networks.probes` reads off it, and the colour of its wall."""

import functools
from collections.abc import Mapping
from pathlib import Path

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.imaging import io

MIN_MATTE_MEAN = 5  # of 255; a matte of a lower mean shows no building


def read_attributes(photo: str | Path, probes: Path) -> dict[str, str | bool]:
    """What the probes in a file predict of a photo, {attribute: value}; from the cache where they predicted it before.

    Raises UserError when the file is not there or holds no probes.
    """
    check_there(probes)

    def predict() -> dict[str, str | bool]:
        from s2i.networks.probes import features, load_once  # torch takes seconds

        (prediction,) = load_once(probes).predict(features([io.read(Path(photo))]))
        return prediction

    return cache.remember(predict, "attributes", *_key_of(probes), cache.file_hash(Path(photo)))


def check_there(probes: Path) -> None:
    """Raise UserError when the file of the probes is missing."""
    if not Path(probes).exists():
        raise UserError(f"{probes} is missing: it comes with data/base; restore it with git.")


@functools.cache
def _key_of(probes: Path) -> tuple[str, str]:
    """What a prediction depends on beside the photo."""
    return cache.code(__name__), cache.file_hash(probes)


def wall_color(record: Mapping) -> str:
    """The colour of a photo's building inside its matte; from the cache where it was named before."""
    images = [Path(record[name]) for name in ("photo", "matte") if record.get(name)]

    def name_color() -> str:
        from s2i.imaging import wall_colors  # scipy takes half a second

        mask = io.read_grey(Path(record["matte"])) if record.get("matte") else None
        if mask is not None and mask.mean() < MIN_MATTE_MEAN:
            mask = None  # the matte missed the building: look where walls usually are
        return wall_colors.dominant_color(io.read(Path(record["photo"])), mask)

    return cache.remember(name_color, "wall", cache.code(__name__), *map(cache.file_hash, images))
