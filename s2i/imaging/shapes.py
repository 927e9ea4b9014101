"""The one rule of shape: what is learned from, drawn and scored keeps its shape, and the model sees it on a square.

`fit` gives photos, sketches and whatever comes with them the size that they have from then on.  The model computes on
squares: `on_square` lays an image on one for it, and `cut_out` takes its part out of a square that the model drew.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from s2i.core.parallel import chunked
from s2i.imaging import io

LONGEST = 3  # times as long as the short side; of what is longer the middle is taken


def fitted(width: int, height: int, resolution: int) -> tuple[int, int]:
    """The width and height of an image whose longest side is ``resolution``, in pixels."""
    short = max(min(width, height) / max(width, height), 1 / LONGEST)
    sides = resolution, round(short * resolution)
    return sides if width >= height else sides[::-1]


def fit(image: np.ndarray, resolution: int, resample: Image.Resampling = io.LANCZOS) -> np.ndarray:
    """An image (H, W) or (H, W, 3) uint8 in its own shape, its longest side ``resolution``; use NEAREST for labels."""
    height, width = image.shape[:2]
    return io.resize_and_crop(image, fitted(width, height, resolution), resample)


def on_square(image: np.ndarray, color: int = 255) -> np.ndarray:
    """An image (H, W) or (H, W, 3) in the middle of a square as long as its longest side; itself if it is square."""
    height, width = image.shape[:2]
    if height == width:
        return image
    side = max(height, width)
    square = np.full((side, side, *image.shape[2:]), color, image.dtype)
    square[_middle(height, side), _middle(width, side)] = image
    return square


def cut_out(square: np.ndarray, width: int, height: int) -> np.ndarray:
    """The part of a square (S, S) or (S, S, 3) that an image of this width and height, or of this shape, has on it."""
    side, longest = len(square), max(width, height)
    return square[_middle(round(side * height / longest), side), _middle(round(side * width / longest), side)]


def equally_large(sizes: Sequence[tuple[int, ...]], count: int) -> Iterator[list[int]]:
    """The indices of images of these sizes in batches of at most ``count`` that are equally large."""
    by_size: dict[tuple[int, ...], list[int]] = {}
    for index, size in enumerate(sizes):
        by_size.setdefault(size, []).append(index)
    for indices in by_size.values():
        yield from chunked(indices, count)


def _middle(length: int, side: int) -> slice:
    start = (side - length) // 2
    return slice(start, start + length)
