"""What a photo of a building shows, read off by `s2i.networks.probes`."""

from functools import cache as once
from pathlib import Path

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.imaging import io

BLANK = 5  # mean of a matte, of 255, below which it shows no building


def read_off(photo: str | Path, probes: Path) -> dict[str, str | bool]:
    """What the probes in a file say of a photo; from the cache where they saw it before.

    Raises UserError when the file is not there or holds no probes.
    """
    if not Path(probes).exists():
        raise UserError(f"{probes} is missing: it comes with data/base; restore it with git.")

    def look() -> dict[str, str | bool]:
        from s2i.networks.probes import (
            features,  # torch takes seconds
            loaded,
        )

        (prediction,) = loaded(probes).predict(features([io.read(photo)]))
        return prediction

    return cache.remember(look, "attributes", *_made_by(probes), cache.file_hash(photo))


@once
def _made_by(probes: Path) -> tuple:
    """What a prediction hangs on beside the photo."""
    return cache.code(__name__), cache.file_hash(probes)


def wall_color(record: dict) -> str:
    """The colour of a photo's building inside its matte; from the cache where it was looked at before."""
    images = [record[name] for name in ("photo", "matte") if record.get(name)]

    def look() -> str:
        mask = io.read_grey(Path(record["matte"])) if record.get("matte") else None
        if mask is not None and mask.mean() < BLANK:
            mask = None  # the matte missed the building: look where walls usually are
        from s2i.imaging import wall_colors  # scipy takes half a second

        return wall_colors.dominant_color(io.read(Path(record["photo"])), mask)

    return cache.remember(look, "wall", cache.code(__name__), *map(cache.file_hash, images))
