"""An architect's line: long, thin and ruled by eye, with corners that overshoot and construction lines left in."""

from dataclasses import replace

import numpy as np

from s2i.core.parameters.fields import Abstraction
from s2i.dataset.sketching.hand import Stroke, begin, construction_lines, outlines, shade
from s2i.dataset.sketching.hatching import hatching
from s2i.dataset.sketching.sheet import Sheet, paper, printed, tooth


def architect(image: np.ndarray, rng: np.random.Generator, abstraction: Abstraction = "mixed") -> np.ndarray:
    """An architect's line drawing (H, W) uint8 of an image (H, W, 3) uint8, some of it lightly hatched at 45 degrees.

    abstraction: how much is drawn; mixed leaves it to rng, which also moves the hand and picks paper and pencil.
    """
    scene, hand = begin(image, rng, abstraction, firm=0.5)
    hand = replace(
        hand,
        wobble=0.6 * hand.wobble,
        overshoot=rng.uniform(0.012, 0.035),
        construction=max(hand.construction, rng.uniform(0.15, 0.6)),
    )
    sheet, dark = Sheet(image.shape), rng.uniform(0.65, 0.92)
    width = rng.uniform(0.6, 0.85)
    sheet.draw(construction_lines(scene, hand, rng), 0.55 * width, 0.7 * dark)
    sheet.draw([_accented(stroke) for stroke in outlines(scene, hand, rng)], width, dark, swell=0.3)
    if rng.random() < 0.7:
        dark_at = shade(scene, hand, rng)
        pressure = np.where(dark_at > rng.uniform(0.5, 0.7), 0.55, 0)
        angle = np.pi / 4 * (1 if rng.random() < 0.7 else -1)
        sheet.draw(hatching(pressure, scene, angle, rng.uniform(0.016, 0.026), rng), 0.6 * width, 0.8 * dark)
    ink = sheet.shrunk()
    ink *= 1 - 0.12 * tooth(ink.shape, rng, 0.4 * sheet.unit).clip(0, 2)
    return printed(paper(ink.shape, rng, (0.84, 1.0), 0.006), ink)


def _accented(stroke: Stroke) -> Stroke:
    """Pressed at both ends, lifted between them."""
    accent = 0.72 + 0.45 * np.abs(np.linspace(-1, 1, len(stroke.points))) ** 3
    return Stroke(stroke.points, (stroke.pressure * accent).clip(0, 1))
