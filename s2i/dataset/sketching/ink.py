"""Pen and ink: black lines that swell, hatched along surfaces and across where it is dark."""

import numpy as np

from s2i.core.parameters.fields import Abstraction
from s2i.dataset.sketching.hand import begin, construction_lines, outlines, shade
from s2i.dataset.sketching.hatching import along_surfaces
from s2i.dataset.sketching.sheet import Sheet, paper, printed

HATCHED = ((0.45, 0.0, 0.016), (0.66, 0.75, 0.015), (0.82, -0.6, 0.011))  # darker than, turned by radians, spacing


def ink(image: np.ndarray, rng: np.random.Generator, abstraction: Abstraction = "mixed") -> np.ndarray:
    """A drawing in pen and ink (H, W) uint8 of an image (H, W, 3) uint8.

    abstraction: how much is drawn; mixed leaves it to rng, which also moves the hand and picks the nib.
    """
    scene, hand = begin(image, rng, abstraction, firm=0.85)
    sheet, dark = Sheet(image.shape), rng.uniform(0.88, 0.98)
    width = rng.uniform(1.0, 1.5)
    sheet.draw(construction_lines(scene, hand, rng), width=0.5, dark=0.35)  # in pencil, before
    sheet.draw(outlines(scene, hand, rng), width, dark, swell=0.75)
    dark_at = shade(scene, hand, rng)
    upright = np.pi / 2 * (rng.random() < 0.5)
    closeness = rng.uniform(0.8, 1.25)
    for above, turn, spacing in HATCHED:
        pressure = np.where(dark_at > above, 0.35 + 0.5 * dark_at, 0)
        strokes = along_surfaces(pressure, scene, spacing * closeness, rng, upright + turn)
        sheet.draw(strokes, 0.55 * width, dark, swell=0.75)
    return printed(paper(sheet.shape, rng, (0.94, 1.0), 0.005), sheet.shrunk())
