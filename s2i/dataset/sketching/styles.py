"""Every style of sketches that can be made of a photo, by name."""

from collections.abc import Callable

import cv2
import numpy as np

from s2i.core.parameters.fields import Abstraction
from s2i.dataset.sketching.architect import architect
from s2i.dataset.sketching.ballpoint import ballpoint
from s2i.dataset.sketching.charcoal import charcoal
from s2i.dataset.sketching.graphite import graphite
from s2i.dataset.sketching.ink import ink
from s2i.dataset.sketching.line import line
from s2i.dataset.sketching.marker import marker
from s2i.dataset.sketching.pencil import pencil
from s2i.dataset.sketching.stipple import stipple
from s2i.dataset.sketching.xdog import xdog
from s2i.imaging import edges


def canny(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Canny's edges as dark lines, (H, W) uint8; the same whatever rng."""
    return cv2.bitwise_not(edges.canny(image))


def hed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """See `s2i.dataset.sketching.hed`, which is imported only where it draws: the other styles need no torch."""
    from s2i.dataset.sketching.hed import hed

    return hed(image, rng)


# Each takes an image (H, W, 3) uint8 and a generator, and returns (H, W) uint8, dark strokes on white or tinted paper.
STYLES: dict[str, Callable[..., np.ndarray]] = {
    "pencil": pencil,
    "xdog": xdog,
    "canny": canny,
    "line": line,
    "hed": hed,
    "graphite": graphite,
    "ballpoint": ballpoint,
    "ink": ink,
    "marker": marker,
    "architect": architect,
    "charcoal": charcoal,
    "stipple": stipple,
}
TRACED = ("pencil", "xdog", "canny", "line", "hed")  # strokes lie where the photo's edges are, pixel by pixel
DRAWN = tuple(style for style in STYLES if style not in TRACED)  # as by a person, who errs; they take an abstraction


def draw(image: np.ndarray, style: str, seed: int, abstraction: Abstraction = "mixed") -> np.ndarray:
    """The sketch (H, W) uint8 of an image (H, W, 3) uint8 in a style; the same for the same seed.

    abstraction: of the styles in DRAWN, how much is drawn; the others draw all they find.
    """
    settings = {"abstraction": abstraction} if style in DRAWN else {}
    return STYLES[style](image, np.random.default_rng(seed), **settings)
