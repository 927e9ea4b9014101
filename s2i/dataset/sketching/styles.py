"""Sketches from photos: each style draws dark strokes on white."""

from collections.abc import Callable

import cv2
import numpy as np

from s2i.dataset.sketching.line import line
from s2i.dataset.sketching.pencil import pencil
from s2i.dataset.sketching.xdog import xdog
from s2i.imaging import edges


def canny(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Canny's edges as dark lines, (H, W) uint8; the same whatever rng."""
    return cv2.bitwise_not(edges.canny(image))


def hed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """See `s2i.dataset.sketching.hed`, which is imported only where it draws: the other styles need no torch."""
    from s2i.dataset.sketching.hed import hed

    return hed(image, rng)


# Each takes an image (H, W, 3) uint8 and a generator, and returns (H, W) uint8, dark strokes on white.
STYLES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "pencil": pencil,
    "xdog": xdog,
    "canny": canny,
    "line": line,
    "hed": hed,
}
