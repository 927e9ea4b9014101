"""The building cut from its background: U^2-Net mattes through rembg."""

from collections.abc import Callable, Collection, Iterator
from functools import cache as once
from functools import partial
from pathlib import Path

import numpy as np

from s2i.core import cache
from s2i.core.parallel import fan_out
from s2i.core.params import Matte, Work
from s2i.dataset.matting.u2net import fetch, predict_matte
from s2i.imaging import io


def cut_backgrounds(records: Collection[dict], folder: Path, params: Matte, work: Work) -> Iterator[dict]:
    """The records with `matte`.

    Writes mattes/ into folder; with background "white" or "transparent" also photos/ and sketches/ whose background is
    so, and points photo and sketches to them.  Raises UserError for a model that rembg does not know or cannot fetch.
    """
    fetch(params.model)  # once here, not by every process
    return fan_out(partial(_matted, folder=folder, params=params), records, "matting", work)


def on_nothing(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A photo (H, W, 3) or sketch (H, W) with matte (H, W) uint8 as its alpha: (H, W, 4) uint8."""
    color = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    return np.dstack([color, matte])


def on_white(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A photo (H, W, 3) or sketch (H, W) laid on white where matte (H, W) uint8 is 0."""
    share = matte.astype(np.float32) / 255
    if image.ndim == 3:
        share = share[..., None]
    return (image * share + 255 * (1 - share)).round().astype(np.uint8)


def _matted(record: dict, folder: Path, params: Matte) -> dict:
    target = folder / "mattes" / f"{record['id']}.png"
    key = ("matte", cache.code(__name__), cache.file_hash(record["photo"]), params.model)

    def draw(draft: Path) -> None:
        io.write_png(draft, predict_matte(io.read(Path(record["photo"])), params.model))

    cache.produce(target, draw, *key)
    matted = record | {"matte": str(target)}
    if params.background != "keep":
        matted |= _cut(record, target, folder, params.background)
    return matted


def _cut(record: dict, matte: Path, folder: Path, background: str) -> dict:
    lay = on_white if background == "white" else on_nothing
    key = ("cut", cache.code(__name__), cache.file_hash(matte), background)
    mask = once(lambda: io.read_grey(matte))

    def cut(image: str, target: Path, read: Callable) -> str:
        def draw(draft: Path) -> None:
            io.write_png(draft, lay(read(Path(image)), mask()))

        cache.produce(target, draw, *key, cache.file_hash(image), read.__name__)
        return str(target)

    photo, sketches = folder / "photos" / f"{record['id']}.png", folder / "sketches"
    return {
        "photo": cut(record["photo"], photo, io.read),
        "sketches": {
            style: cut(sketch, sketches / f"{record['id']}-{style}.png", io.read_grey)
            for style, sketch in record["sketches"].items()
        },
    }
