"""Takes the path tracer's noise out of an image without touching the edges that geometry knows."""

import cv2
import numpy as np

REACH = 3  # the search window is 7 x 7
NOISE = 8.0  # what two noisy pixels of one surface differ by, in sRGB steps
STRENGTH = 7.0  # differences beyond the noise that still count as one texture, in sRGB steps
ALIKE = 0.15  # how far the shares of surfaces in two pixels may lie apart


def denoise(image: np.ndarray, facets: np.ndarray) -> np.ndarray:
    """Non-local means within surfaces.

    image: (H, W, 3) float sRGB in 0..255; facets: (kH, kW) surface numbers, k a whole number.  Pixels are averaged
    where their 3 x 3 surroundings agree in colour and their shares of surfaces agree.
    """
    size = image.shape[1::-1]
    colours = np.random.default_rng(0).random((4096, 3)).astype(np.float32)
    surfaces = cv2.resize(colours[facets % 4096], size, interpolation=cv2.INTER_AREA)
    image = image.astype(np.float32)
    total, weights = image.copy(), np.ones((*image.shape[:2], 1), np.float32)
    for dy in range(-REACH, REACH + 1):
        for dx in range(-REACH, REACH + 1):
            if dy == dx == 0:
                continue
            other, its_surface = _shifted(image, dy, dx), _shifted(surfaces, dy, dx)
            apart = cv2.blur(_squared(image - other) / 3, (3, 3))
            weight = np.exp(-np.maximum(apart - NOISE**2, 0) / STRENGTH**2)
            weight *= np.exp(-_squared(surfaces - its_surface) / ALIKE**2)
            total += weight[..., None] * other
            weights += weight[..., None]
    return total / weights


def _squared(vectors: np.ndarray) -> np.ndarray:
    """(H, W, C) to the squared length (H, W) of each; four times as fast as a sum over the last axis."""
    return np.einsum("ijk,ijk->ij", vectors, vectors)


def _shifted(image: np.ndarray, dy: int, dx: int) -> np.ndarray:
    padded = cv2.copyMakeBorder(image, REACH, REACH, REACH, REACH, cv2.BORDER_REFLECT_101)
    height, width = image.shape[:2]
    return padded[REACH + dy : REACH + dy + height, REACH + dx : REACH + dx + width]
