"""Ink-like drawings: the extended difference of Gaussians."""

import cv2
import numpy as np

from s2i.imaging import io


def xdog(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A drawing in soft black ink, (H, W) uint8; rng varies line width and how much of the shade is inked.

    image: (H, W, 3) uint8.  Source: Winnemoeller, Kyprianidis and Olsen, "XDoG: an extended difference-of-Gaussians
    compendium", 2012, equation 7 and its threshold, k = 1.6.
    """
    sigma = line_sigma(image) * rng.uniform(0.9, 1.25)
    lightness = io.grey(image).astype(np.float32) / 255
    sharpened = extended_difference(lightness, sigma, p=rng.uniform(14, 20))
    epsilon, phi = rng.uniform(0.2, 0.4), rng.uniform(4, 8)
    inked = np.where(sharpened >= epsilon, 1, 1 + np.tanh(phi * (sharpened - epsilon)))
    return (inked.clip(0, 1) * 255).astype(np.uint8)


def extended_difference(lightness: np.ndarray, sigma: float, p: float) -> np.ndarray:
    """(1 + p) G_sigma - p G_1.6sigma of a lightness in [0, 1], (H, W) float32."""
    fine, coarse = (cv2.GaussianBlur(lightness, (0, 0), s) for s in (sigma, 1.6 * sigma))
    return (1 + p) * fine - p * coarse


def line_sigma(image: np.ndarray) -> float:
    """A line width that looks alike at every size: 0.6 pixels at 128, 1.2 at 512."""
    return 0.6 * (min(image.shape[:2]) / 128) ** 0.5
