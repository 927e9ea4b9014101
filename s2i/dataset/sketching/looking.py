"""A photo as it is looked at before it is drawn: small, without what is too fine, its light stretched."""

import cv2
import numpy as np

MOST_TILT = 3.0  # degrees that uprights and levels may be off by


def wrong_perspective(rng: np.random.Generator, firm: float) -> np.ndarray:
    """A homography (3, 3) that turns uprights and levels by a few degrees each and lets them converge a little.

    It is of coordinates from -1 to 1.  firm: scales the fault.
    """
    upright, level = np.deg2rad(np.clip(rng.normal(0, 1.1 * firm, 2), -MOST_TILT, MOST_TILT))
    converging = rng.normal(0, 0.012 * firm, 2)
    return np.array([[1, np.tan(upright), 0], [np.tan(level), 1, 0], [*converging, 1]])


def resized(image: np.ndarray, side: float) -> np.ndarray:
    """An image (H, W, 3) uint8 with as many pixels as a square of that side has, at least 8 a side."""
    height, width = image.shape[:2]
    scale = side / np.sqrt(height * width)
    size = (max(round(width * scale), 8), max(round(height * scale), 8))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)


def tilted(image: np.ndarray, tilt: np.ndarray) -> np.ndarray:
    """An image (h, w, 3) under a homography (3, 3) of coordinates from -1 to 1."""
    height, width = image.shape[:2]
    to_unit = np.array([[2 / width, 0, -1], [0, 2 / height, -1], [0, 0, 1]])
    moved = np.linalg.inv(to_unit) @ tilt @ to_unit
    return cv2.warpPerspective(image, moved, (width, height), borderMode=cv2.BORDER_REPLICATE)


def smoothed(image: np.ndarray, sigma: float) -> np.ndarray:
    """Surfaces become flat and what is smaller than sigma goes; edges stay."""
    if sigma > 1:
        image = cv2.medianBlur(image, 2 * round(sigma) + 1)
        image = cv2.GaussianBlur(image, (0, 0), 0.5 * sigma)
    for _ in range(2):
        image = cv2.bilateralFilter(image, d=5, sigmaColor=20 + 6 * sigma, sigmaSpace=2)
    return image


def stretched(lightness: np.ndarray) -> np.ndarray:
    """Lightness stretched, at most threefold, so that the brightest is 1 and the darkest 0."""
    light = cv2.GaussianBlur(lightness, (0, 0), 1).astype(np.float32) / 255
    low, high = np.percentile(light, (2, 98))
    return (1 - (high - light) / max(high - low, 0.33)).clip(0, 1).astype(np.float32)
