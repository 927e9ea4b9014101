"""Stipple: a fine pen that sets dots, closer where it is dark, and draws no line.  Never trained on."""

import cv2
import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from s2i.core.parameters.fields import Abstraction
from s2i.dataset.sketching.looking import resized, smoothed, stretched, tilted, wrong_perspective
from s2i.dataset.sketching.sheet import SHIFT, Sheet, paper, printed

SIDE = 200  # pixels of the side of what is looked at
DOTS = {"fine": 20000, "middle": 13000, "gist": 8000}  # at 256 px, of an image half as dark as can be
DETAIL = {"fine": 0.003, "middle": 0.006, "gist": 0.011}  # what is smoothed away, share of the side


def stipple(image: np.ndarray, rng: np.random.Generator, abstraction: Abstraction = "mixed") -> np.ndarray:
    """A stippled drawing (H, W) uint8 of an image (H, W, 3) uint8, dots of about one size and as dark.

    abstraction: how many dots there are; mixed leaves it to rng, which also moves the hand.
    Source: Secord, "Weighted Voronoi stippling", NPAR 2002, two rounds of it.
    """
    drawn_level = str(rng.choice(list(DOTS)))
    level = drawn_level if abstraction == "mixed" else abstraction
    small = smoothed(tilted(resized(image, SIDE), wrong_perspective(rng, 1.0)), DETAIL[level] * SIDE)
    density = _density(small, DETAIL[level] * SIDE)
    sheet = Sheet(image.shape)
    count = int(min(DOTS[level] / sheet.unit_share**2, 3 * DOTS[level]) * 2 * density.mean())
    dots = _spread(density, count, rng) / density.shape[::-1]
    drawn, radius = np.zeros(sheet.size, np.uint8), rng.uniform(0.5, 0.65) * sheet.pixels
    centres = np.rint(dots * sheet.size[::-1] * (1 << SHIFT)).astype(int).tolist()
    sizes = np.rint(radius * rng.uniform(0.75, 1.25, len(dots)) * (1 << SHIFT)).astype(int).tolist()
    for centre, size in zip(centres, sizes, strict=True):
        cv2.circle(drawn, centre, size, 255, -1, cv2.LINE_AA, SHIFT)
    ink = rng.uniform(0.85, 0.98) * sheet.shrunk(drawn).astype(np.float32) / 255
    return printed(paper(ink.shape, rng, (0.94, 1.0), 0.005), ink)


def _density(small: np.ndarray, sigma: float) -> np.ndarray:
    """How close dots stand (h, w) in [0, 1]: by shade, and along edges on their dark side."""
    dark = 1 - stretched(cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 0])
    fine, coarse = (cv2.GaussianBlur(dark, (0, 0), width) for width in (0.6 + 0.5 * sigma, 2.2 + sigma))
    return (0.32 * dark**1.6 + (7 * (fine - coarse)).clip(0, 0.9)).clip(0.0005, 1)


def _spread(density: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Dots (count, 2), x and y in pixels of density, apart from each other: weighted centroids of their cells."""
    height, width = density.shape
    up_to = np.cumsum(density.ravel(), dtype=np.float64)
    chosen = np.searchsorted(up_to / up_to[-1], rng.random(count)).clip(0, density.size - 1)
    dots = np.stack([chosen % width, chosen // width], axis=1) + rng.uniform(0, 1, (count, 2))
    y, x = np.mgrid[:height, :width] + 0.5
    pixels = np.stack([x.ravel(), y.ravel()], axis=1)
    for _ in range(2 if count else 0):
        nearest = cKDTree(dots).query(pixels)[1]
        weight, moment_x, moment_y = (
            ndimage.sum_labels(one.ravel(), nearest, np.arange(count)) for one in (density, density * x, density * y)
        )
        owned = weight > 0
        dots[owned] = np.stack([moment_x, moment_y], axis=1)[owned] / weight[owned, None]
    return dots
