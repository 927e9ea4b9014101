"""Pencil drawings: contours drawn twice by an unsteady hand, hatched where the photo is dark."""

import cv2
import numpy as np

from s2i.dataset.sketching.xdog import extended_difference, line_sigma
from s2i.imaging import io


def pencil(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A pencil drawing of an image, (H, W) uint8, dark strokes on white; rng moves the hand.

    image: (H, W, 3) uint8.
    """
    lightness = _lightness(image)
    lines = _contours(lightness, line_sigma(image))
    twice = np.minimum(_drawn(lines, rng), 0.35 + 0.65 * _drawn(lines, rng))
    drawing = twice * _shading(lightness, rng) * _dodged(lightness)
    return (drawing.clip(0, 1) * 255).astype(np.uint8)


def _lightness(image: np.ndarray) -> np.ndarray:
    """Lightness in [0, 1], smoothed within surfaces and stretched, at most fourfold, so that the brightest is 1."""
    smooth = cv2.bilateralFilter(image, d=5, sigmaColor=30, sigmaSpace=3)
    lightness = io.grey(smooth).astype(np.float32)
    low, high = np.percentile(lightness, (2, 98))
    return (1 - (high - lightness) / max(high - low, 64)).clip(0, 1)


def _contours(lightness: np.ndarray, sigma: float) -> np.ndarray:
    """Lines of varying pressure, 1 where there is none."""
    difference = extended_difference(lightness, sigma, p=24) - lightness
    return (1 + np.tanh(3 * np.minimum(difference + 0.04, 0))).astype(np.float32)


def _dodged(lightness: np.ndarray) -> np.ndarray:
    """Colour dodge of an image with its blurred negative: faint tone along every change of light."""
    blurred = cv2.GaussianBlur(lightness, (0, 0), len(lightness) / 60)
    return 0.6 + 0.4 * ((lightness + 0.05) / (blurred + 0.05)).clip(0, 1)


def _drawn(lines: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lines moved a little to and fro, as a hand does, and pressed unevenly."""
    height, width = lines.shape
    reach = min(height, width) / 250
    y, x = np.mgrid[:height, :width].astype(np.float32)
    moved = cv2.remap(
        lines,
        x + reach * _wobble(lines.shape, rng),
        y + reach * _wobble(lines.shape, rng),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    pressure = (0.8 + 0.2 * _wobble(lines.shape, rng)).clip(0.3, 1)
    return 1 - pressure * (1 - moved)


def _wobble(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of unit variance that turns some eight times across the image, (H, W) float32."""
    coarse = rng.standard_normal((10, 10)).astype(np.float32)
    return cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)


def _shading(lightness: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Hatching: one direction in the shade, a second across it where it is darkest; 1 where there is none."""
    tone = cv2.GaussianBlur(lightness, (0, 0), len(lightness) / 100)
    angle = rng.uniform(35, 60)
    shading = np.ones_like(lightness)
    for below, turn, strength in ((0.52, 0, 0.45), (0.34, rng.uniform(-12, 12), 0.45), (0.18, 75, 0.5)):
        darkness = ((below - tone) / 0.12).clip(0, 1)
        shading *= 1 - strength * darkness * _strokes(lightness.shape, angle + turn, rng)
    return shading


def _strokes(shape: tuple[int, int], angle: float, rng: np.random.Generator) -> np.ndarray:
    """A sheet of parallel strokes at an angle in degrees, in [0, 1]: noise smeared along it, as pencils smear."""
    side = min(shape)
    length = max(int(side / 9), 5) | 1
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), angle, 1)
    turned = cv2.warpAffine(kernel, turn, (length, length))
    noise = cv2.GaussianBlur(rng.standard_normal(shape).astype(np.float32), (0, 0), 0.35 * (side / 128) ** 0.5)
    smeared = cv2.filter2D(noise, -1, turned / turned.sum(), borderType=cv2.BORDER_REFLECT)
    return (0.5 + smeared / (2 * smeared.std())).clip(0, 1)
