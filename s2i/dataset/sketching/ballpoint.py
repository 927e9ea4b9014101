"""Ballpoint: even thin lines, gone over again and again, shaded by scribbling to and fro."""

from dataclasses import replace

import cv2
import numpy as np

from s2i.core.parameters.fields import Abstraction
from s2i.dataset.sketching.hand import Stroke, begin, construction_lines, outlines, shade
from s2i.dataset.sketching.hatching import hatching, scribbled
from s2i.dataset.sketching.sheet import Sheet, paper, printed, tooth


def ballpoint(image: np.ndarray, rng: np.random.Generator, abstraction: Abstraction = "mixed") -> np.ndarray:
    """A ballpoint drawing (H, W) uint8 of an image (H, W, 3) uint8.

    abstraction: how much is drawn; mixed leaves it to rng, which also moves the hand and picks paper and pen.
    """
    scene, hand = begin(image, rng, abstraction)
    hand = replace(hand, restated=min(hand.restated + 0.25, 0.9))
    sheet, dark = Sheet(image.shape), rng.uniform(0.68, 0.9)
    width = rng.uniform(0.65, 0.85)
    sheet.draw(construction_lines(scene, hand, rng), width=0.6 * width, dark=0.6 * dark)
    strokes = outlines(scene, hand, rng)
    sheet.draw(strokes, width, dark)
    _start_blobs(sheet, strokes, width, dark, rng)
    dark_at = shade(scene, hand, rng)
    angle = rng.uniform(0.6, 1.1) + np.pi * (rng.random() < 0.2)
    for above, turn, spacing in ((0.5, 0.0, 0.016), (0.72, rng.uniform(0.9, 1.5), 0.014)):
        pressure = np.where(dark_at > above, 0.45 + 0.5 * dark_at, 0)
        lines = hatching(pressure, scene, angle + turn, spacing * rng.uniform(0.8, 1.3), rng)
        sheet.draw(scribbled(lines, scene, 3 * spacing), 0.8 * width, 0.8 * dark)
    ink = sheet.shrunk()
    ink *= 1 - 0.1 * tooth(ink.shape, rng, 0.4 * sheet.unit).clip(0, 2)
    return printed(paper(ink.shape, rng, (0.93, 1.0), 0.006), ink)


def _start_blobs(sheet: Sheet, strokes: list[Stroke], width: float, dark: float, rng: np.random.Generator) -> None:
    """Too much ink where the ball begins to roll."""
    drops = np.zeros(sheet.size, np.uint8)
    for stroke in strokes:
        if rng.random() < 0.15:
            x, y = (int(value) for value in stroke.points[0] * sheet.size[::-1])
            cv2.circle(drops, (x, y), max(round(0.8 * width * sheet.pixels), 1), int(255 * dark), -1, cv2.LINE_AA)
    sheet.lay(drops.astype(np.float32) / 255)
