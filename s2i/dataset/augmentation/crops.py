"""Parts of a photo, larger and smaller, that a training sees it by: one crop a photo would soon be known by heart."""

from typing import NamedTuple

import numpy as np
from PIL import Image

from s2i.core import cache


class Box(NamedTuple):
    """A part of an image of the same shape: its left and upper edge and its side, as shares of the image's sides."""

    left: float
    top: float
    side: float


WHOLE = Box(0.0, 0.0, 1.0)


def boxes(seed: int, photo_id: str, count: int, least: float) -> list[Box]:
    """``count`` parts of a photo, the whole of it first; the sides of the others are from ``least`` to 1.

    Each depends on the seed, the photo and its own number alone.
    """
    chosen = [WHOLE]
    for number in range(1, count):
        rng = np.random.default_rng(int(cache.fingerprint(seed, "crop", photo_id, number), 16))
        side = rng.uniform(least, 1)
        left, top = rng.uniform(0, 1 - side, 2)
        chosen.append(Box(float(left), float(top), float(side)))
    return chosen


def cut(image: np.ndarray, box: Box) -> np.ndarray:
    """A part of an image (H, W) or (H, W, 3) uint8, scaled to the size of the image; the whole stays as it is."""
    if box == WHOLE:
        return image
    height, width = image.shape[:2]
    corners = (box.left, box.top, box.left + box.side, box.top + box.side)
    edges = tuple(share * length for share, length in zip(corners, (width, height) * 2, strict=True))
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS, edges))
