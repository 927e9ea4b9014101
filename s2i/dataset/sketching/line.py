"""Line drawings: outlines in one even pen, without tone."""

import cv2
import numpy as np

from s2i.dataset.sketching.xdog import extended_difference, line_sigma


def line(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A drawing in black lines of one width on white, (H, W) uint8; rng varies the width and how much is left out.

    image: (H, W, 3) uint8.  Where lightness or hue changes, the dark side of the change is inked.
    """
    smooth = image
    for _ in range(3):  # surfaces become flat, edges stay
        smooth = cv2.bilateralFilter(smooth, d=5, sigmaColor=24, sigmaSpace=2)
    lab = cv2.cvtColor(smooth.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) / (100, 110, 110)
    sigma = line_sigma(image) * rng.uniform(0.9, 1.4)
    threshold = rng.uniform(0.012, 0.022)
    inked = np.zeros(image.shape[:2], np.float32)
    for channel in cv2.split(lab.astype(np.float32)):
        difference = extended_difference(channel, sigma, p=1) - cv2.GaussianBlur(channel, (0, 0), sigma)
        inked = np.maximum(inked, ((-difference - threshold) / 0.01 + 0.5).clip(0, 1))
    return (255 * (1 - _without_specks(inked, len(image) // 12))).astype(np.uint8)


def _without_specks(ink: np.ndarray, smallest: int) -> np.ndarray:
    """Ink (H, W) in [0, 1] without connected parts of fewer pixels than smallest."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats((ink > 0.3).astype(np.uint8), connectivity=8)
    large = statistics[:, cv2.CC_STAT_AREA] >= smallest
    large[0] = False
    return ink * cv2.dilate(large[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
