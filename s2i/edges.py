"""The edges of a picture: what a ControlNet is pretrained on, and what generated and target picture are compared by."""

import cv2
import numpy as np


def canny(picture: np.ndarray) -> np.ndarray:
    """Thin edges: picture (H, W, 3) uint8 RGB -> (H, W) uint8, 255 on edges and 0 elsewhere.

    Thresholds 100 and 200 are those the published Canny ControlNets were trained with.
    Source: Canny, "A computational approach to edge detection", 1986; OpenCV's implementation.
    """
    return cv2.Canny(picture, 100, 200)
