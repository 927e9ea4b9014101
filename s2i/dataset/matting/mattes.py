"""The building cut from its background: U^2-Net mattes through rembg."""

import functools
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np

from s2i.core import cache
from s2i.core.parallel import fan_out
from s2i.core.params import Matte, Workers
from s2i.dataset.matting import u2net
from s2i.imaging import io


def cut_backgrounds(records: Collection[dict], folder: Path, params: Matte, workers: Workers) -> Iterator[dict]:
    """The records with `matte`.

    Writes mattes/ into folder; with background "white" or "transparent" also photos/ and sketches/ whose background is
    so, and points photo and sketches to them.  Raises UserError for a model that rembg does not know or cannot fetch.
    """
    u2net.fetch(params.model)  # once here, not by every process
    return fan_out(functools.partial(_with_matte, folder=folder, params=params), records, "matting", workers)


def on_nothing(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A photo (H, W, 3) or sketch (H, W) with matte (H, W) uint8 as its alpha: (H, W, 4) uint8."""
    color = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    return np.dstack([color, matte])


def on_white(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """A photo (H, W, 3) or sketch (H, W) laid on white where matte (H, W) uint8 is 0; uint8 of the image's shape."""
    opacity = matte.astype(np.float32) / 255
    if image.ndim == 3:
        opacity = opacity[..., None]
    return (image * opacity + 255 * (1 - opacity)).round().astype(np.uint8)


def _with_matte(record: dict, folder: Path, params: Matte) -> dict:
    target = folder / "mattes" / f"{record['id']}.png"

    def write_matte(draft: Path) -> None:
        io.write_png(draft, u2net.predict_matte(io.read(Path(record["photo"])), params.model))

    cache.produce(target, write_matte, "matte", cache.code(__name__), cache.file_hash(record["photo"]), params.model)
    matted = record | {"matte": str(target)}
    if params.background != "keep":
        matted |= _cut_images(record, target, folder, params.background)
    return matted


def _cut_images(record: dict, matte: Path, folder: Path, background: str) -> dict:
    """The photo and the sketches of a record, as `photo` and `sketches`, with another background."""
    replace_background = on_white if background == "white" else on_nothing
    key = (cache.code(__name__), cache.file_hash(matte), background)
    read_matte = functools.cache(io.read_grey)  # once for all images, and not at all where the cache has each of them

    def cut(image: str, target: Path, read: Callable[[Path], np.ndarray], kind: str) -> str:
        def write_cut(draft: Path) -> None:
            io.write_png(draft, replace_background(read(Path(image)), read_matte(matte)))

        cache.produce(target, write_cut, "cut", *key, cache.file_hash(Path(image)), kind)
        return str(target)

    photo, sketches = folder / "photos" / f"{record['id']}.png", folder / "sketches"
    return {
        "photo": cut(record["photo"], photo, io.read, "photo"),
        "sketches": {
            style: cut(sketch, sketches / f"{record['id']}-{style}.png", io.read_grey, "sketch")
            for style, sketch in record["sketches"].items()
        },
    }
