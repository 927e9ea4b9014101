"""Paper and pencil vary: tone and grain of the sheet, pressure and width of the strokes, places rubbed out."""

import cv2
import numpy as np


def vary(sketch: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same sketch as if drawn with other tools and photographed, (H, W) uint8; each change happens or not.

    sketch: (H, W) uint8, dark strokes on white.
    """
    ink = 1 - sketch.astype(np.float32) / 255
    for change in (_press, _widen, _rub_out):
        if rng.random() < 0.5:
            ink = change(ink, rng)
    paper = _sheet(ink.shape, rng) if rng.random() < 0.7 else 1.0
    return ((paper * (1 - ink)).clip(0, 1) * 255).astype(np.uint8)


def _press(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Harder or lighter strokes; ink (H, W) in [0, 1], 1 for black."""
    return (rng.uniform(0.55, 1) * ink ** rng.uniform(0.6, 1.6)).clip(0, 1)


def _widen(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A blunter pencil: strokes wider by up to about a 300th of the sheet."""
    blunt = cv2.GaussianBlur(ink, (0, 0), len(ink) / 300 * rng.uniform(0.5, 1.5) + 0.3)
    return np.maximum(ink * 0.7, blunt * 1.3).clip(0, 1)


def _rub_out(ink: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A few soft patches where little of the strokes is left."""
    height, width = ink.shape
    y, x = np.mgrid[:height, :width]
    for _ in range(rng.integers(1, 4)):
        centre_y, centre_x = rng.uniform(0, 1, 2) * ink.shape
        radius = rng.uniform(0.05, 0.14) * height
        distance = ((y - centre_y) ** 2 + (x - centre_x) ** 2) / radius**2
        ink = ink * (1 - rng.uniform(0.5, 0.95) * np.exp(-(distance**2)))
    return ink.astype(np.float32)


def _sheet(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A blank sheet: off-white, lit from one side, with grain; (H, W) in [0, 1]."""
    height, width = shape
    slope_y, slope_x = rng.uniform(-0.05, 0.05, 2)
    light = slope_y * np.linspace(-1, 1, height)[:, None] + slope_x * np.linspace(-1, 1, width)
    grain = cv2.GaussianBlur(rng.standard_normal(shape), (0, 0), rng.uniform(0.4, 1.2))
    return rng.uniform(0.82, 0.98) + light + grain / grain.std() * rng.uniform(0, 0.03)
