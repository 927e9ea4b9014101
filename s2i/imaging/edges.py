"""The edges of an image: what a ControlNet is pretrained on, and what images are compared by."""

import cv2
import numpy as np


def canny(image: np.ndarray) -> np.ndarray:
    """Thin edges: image (H, W, 3) uint8 RGB -> (H, W) uint8, 255 on edges and 0 elsewhere.

    Thresholds 100 and 200 are those the published Canny ControlNets were trained with.
    Source: Canny, "A computational approach to edge detection", 1986; OpenCV's implementation.
    """
    return cv2.Canny(image, 100, 200)


def contours(image: np.ndarray) -> np.ndarray:
    """The strong edges alone, as thin as those of `canny`: image (H, W, 3) uint8 RGB -> (H, W) uint8, 255 or 0.

    They tell buildings apart.  At 128 px the maps of `canny` are so dense that those of two different renders agree
    by an F1 of 0.61 at a tolerance of 2 px; these agree by 0.32 (means over 64 renders).
    """
    return cv2.Canny(cv2.GaussianBlur(image, (0, 0), 1), 200, 400)
