"""Felt-tip markers: broad black lines over flat grey strokes that overlap."""

from dataclasses import replace

import numpy as np

from s2i.core.parameters.fields import Abstraction
from s2i.dataset.sketching.hand import Stroke, begin, outlines, shade
from s2i.dataset.sketching.hatching import along_surfaces
from s2i.dataset.sketching.scene import even
from s2i.dataset.sketching.sheet import Sheet, paper, printed, tooth

GREYS = ((0.42, 0.16), (0.62, 0.22), (0.82, 0.32))  # shade from which each is laid on, and how dark it is


def marker(image: np.ndarray, rng: np.random.Generator, abstraction: Abstraction = "mixed") -> np.ndarray:
    """A drawing in markers (H, W) uint8 of an image (H, W, 3) uint8: two or three greys and a black liner.

    abstraction: how much is drawn; mixed leaves it to rng, which also moves the hand and picks the pens.
    """
    scene, hand = begin(image, rng, abstraction)
    hand = replace(hand, restated=0.3 * hand.restated)
    sheet, tip = Sheet(image.shape), rng.uniform(5.5, 9.0)
    dark_at = even(shade(scene, hand, rng), scene.surfaces)
    turn = np.pi / 2 * (rng.random() < 0.4)
    beside = rng.normal(0, 0.004, 2)  # colour never ends quite where lines do
    apart = 0.86 * tip / 256 * sheet.unit_share
    for above, dark in GREYS[rng.integers(0, 2) :]:
        where = (dark_at > above).astype(np.float32)
        strokes = along_surfaces(where, scene, apart, rng, turn, longest=2.0)
        flat = [Stroke(_shortened(one.points, apart / 3) + beside, np.ones(len(one.points))) for one in strokes]
        sheet.draw(flat, tip, dark * rng.uniform(0.9, 1.1), layers=3)
    fibres = tooth(sheet.shape, rng, 1.2 * sheet.unit)
    fill = sheet.shrunk() * (1 - 0.06 * fibres)
    liner = Sheet(image.shape)
    liner.draw(outlines(scene, hand, rng), rng.uniform(1.5, 2.3), rng.uniform(0.82, 0.95), swell=0.3)
    drawn = 1 - (1 - fill) * (1 - liner.shrunk())
    return printed(paper(drawn.shape, rng, (0.95, 1.0), 0.004), drawn)


def _shortened(points: np.ndarray, ends: float) -> np.ndarray:
    """A stroke (n, 2) drawn in at both ends by a share of the side, as its tip is round; at most by a third."""
    whole = points[-1] - points[0]
    cut = whole * min(ends / max(float(np.hypot(*whole)), 1e-6), 0.33)
    return points + np.linspace(1, -1, len(points))[:, None] * cut
