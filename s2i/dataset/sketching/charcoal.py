"""Charcoal: no lines, but broad soft strokes that follow the forms, smudged on rough paper.  Never trained on."""

import cv2
import numpy as np

from s2i.core.parameters.fields import Abstraction
from s2i.dataset.sketching.hand import Stroke
from s2i.dataset.sketching.looking import resized, smoothed, stretched, tilted, wrong_perspective
from s2i.dataset.sketching.sheet import Sheet, paper, printed, tooth

SIDE = 200  # pixels of the side of what is looked at
BROAD = {"fine": 0.009, "middle": 0.017, "gist": 0.03}  # width of a stroke, share of the side


def charcoal(image: np.ndarray, rng: np.random.Generator, abstraction: Abstraction = "mixed") -> np.ndarray:
    """A charcoal drawing (H, W) uint8 of an image (H, W, 3) uint8.

    abstraction: how broad the strokes are; mixed leaves it to rng, which also picks paper and charcoal.
    Source: strokes that curve along the forms are those of Hertzmann, "Painterly rendering with curved brush strokes of
    multiple sizes", SIGGRAPH 1998.
    """
    drawn_level = str(rng.choice(list(BROAD)))
    broad = BROAD[drawn_level if abstraction == "mixed" else abstraction]
    small = tilted(resized(image, SIDE), wrong_perspective(rng, 1.0))
    small = smoothed(small, 0.35 * broad * SIDE)
    dark = 1 - stretched(cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[..., 0])
    dark *= np.linspace(rng.uniform(0.3, 0.7), 1, len(dark), dtype=np.float32)[:, None]  # the sky is left light
    sheet, strength = Sheet(image.shape), rng.uniform(0.65, 1.0)
    width = 256 * broad / sheet.unit_share
    sheet.draw(_following(dark, 0.9 * dark**1.7, broad, rng), 1.5 * width, 0.42 * strength, layers=3)
    smudge = cv2.GaussianBlur(sheet.ink, (0, 0), 0.6 * width * sheet.pixels)
    sheet.ink = 0.5 * sheet.ink + 0.5 * smudge
    accents = _edges(dark, broad)
    sheet.draw(_following(dark, accents, broad, rng), 0.33 * width, 0.9 * strength, swell=0.4)
    ink = sheet.shrunk()
    rough = tooth(ink.shape, rng, 0.5 * sheet.unit)
    ink = (ink * (1.1 - 0.2 * (1 - ink) * rough.clip(-1, 2))).clip(0, 0.93)
    return printed(paper(ink.shape, rng, (0.84, 0.98), 0.015), ink)


def _edges(dark: np.ndarray, broad: float) -> np.ndarray:
    """Where dark forms end against light ones, (h, w) in [0, 1], on their dark side."""
    fine, coarse = (cv2.GaussianBlur(dark, (0, 0), sigma * broad * SIDE) for sigma in (0.3, 0.9))
    return (6 * (fine - coarse - 0.02)).clip(0, 1)


def _following(dark: np.ndarray, often: np.ndarray, broad: float, rng: np.random.Generator) -> list[Stroke]:
    """Strokes along the forms of an image, as many as often (h, w) says.

    dark: (h, w) in [0, 1], whose level lines they follow.
    """
    height, width = dark.shape
    often = often.clip(0, 1).astype(np.float64)
    count = int(1.5 * often.sum() / (broad * SIDE) ** 1.5)
    if not count:
        return []
    chosen = rng.choice(dark.size, count, p=often.ravel() / often.sum())
    places = np.stack([chosen % width, chosen // width], axis=1) + rng.uniform(0, 1, (count, 2))
    direction = _flow(dark, broad)
    heading = np.full(count, rng.uniform(0.5, 1.1))
    way, pressure = [places], [often.ravel()[chosen]]
    for _ in range(8):
        x, y = places.astype(int).T
        x, y = x.clip(0, width - 1), y.clip(0, height - 1)
        turn = direction[y, x]
        heading = np.where(np.cos(turn - heading) < 0, turn + np.pi, turn)
        places = places + 0.9 * broad * SIDE * np.stack([np.cos(heading), np.sin(heading)], axis=1)
        way.append(places)
        pressure.append(0.5 * pressure[-1] + 0.5 * often[y, x])
    paths = np.stack(way, axis=1) / (width, height)
    pressed = np.stack(pressure, axis=1) * rng.uniform(0.6, 1.0, (count, 1))
    return [Stroke(path, one.clip(0, 1)) for path, one in zip(paths, pressed, strict=True)]


def _flow(dark: np.ndarray, broad: float) -> np.ndarray:
    """The direction of the level lines (h, w), radians, from the structure tensor."""
    across, down = cv2.Scharr(dark, cv2.CV_32F, 1, 0), cv2.Scharr(dark, cv2.CV_32F, 0, 1)
    xx, yy, xy = (cv2.GaussianBlur(one, (0, 0), broad * SIDE) for one in (across**2, down**2, across * down))
    return np.arctan2(2 * xy, xx - yy) / 2 + np.pi / 2
