"""Graphite on tinted paper: thin, light grey, softly shaded."""

import cv2
import numpy as np

from s2i.core.parameters.fields import Abstraction
from s2i.dataset.sketching.hand import begin, construction_lines, outlines, shade
from s2i.dataset.sketching.hatching import along_surfaces, hatching
from s2i.dataset.sketching.scene import Scene
from s2i.dataset.sketching.sheet import Sheet, paper, printed, tooth


def graphite(image: np.ndarray, rng: np.random.Generator, abstraction: Abstraction = "mixed") -> np.ndarray:
    """A graphite drawing (H, W) uint8 of an image (H, W, 3) uint8: light lines of varying pressure, soft shade.

    abstraction: how much is drawn; mixed leaves it to rng, which also moves the hand and picks paper and pencil.
    """
    scene, hand = begin(image, rng, abstraction)
    sheet = Sheet(image.shape)
    dark = rng.uniform(0.45, 0.72)  # from a hard pencil to a soft one
    smudged = _smudged(sheet, shade(scene, hand, rng), scene, rng) * rng.uniform(0.35, 0.85)
    sheet.draw(construction_lines(scene, hand, rng), width=0.6, dark=0.5 * dark)
    sheet.draw(outlines(scene, hand, rng), width=rng.uniform(0.75, 1.05), dark=dark, swell=0.35)
    lines, smudged = sheet.shrunk(), sheet.shrunk(smudged)
    grain = tooth(lines.shape, rng, 0.4 * sheet.unit)
    fine = min(sheet.unit, 1.0)  # small images show less of the grain
    lines = (lines * (1 - 0.22 * fine * grain.clip(0, 2))).clip(0, 1)
    smudged = (smudged * (1 - 0.22 * fine * grain)).clip(0, 1)
    ink = 1 - (1 - lines) * (1 - smudged)
    return printed(paper(ink.shape, rng, (0.78, 0.97), 0.012), ink)


def _smudged(sheet: Sheet, dark: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Soft shade (h, w) of the sheet's size: broad light strokes, smudged, and more of them where a shadow is cast."""
    soft = ((dark - 0.3) / 0.7).clip(0, 1)
    cast = ((dark - 0.75) / 0.25).clip(0, 1)
    strokes = along_surfaces(soft, scene, 0.009, rng, turn=rng.choice([0, np.pi / 2, 0.9]))
    strokes += hatching(cast, scene, rng.uniform(0.6, 1.1), 0.008, rng)
    pad = Sheet(sheet.shape)
    pad.draw(strokes, width=2.4, dark=0.5)
    smudge = cv2.GaussianBlur(pad.ink, (0, 0), 0.5 * sheet.unit * sheet.size[0] / sheet.shape[0])
    return 0.75 * smudge + 0.2 * sheet.grown(soft)
