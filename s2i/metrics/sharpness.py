"""How crisp an image is beside another: the energy of its finest detail."""

import cv2
import numpy as np


def laplacian_variance(image: np.ndarray) -> float:
    """The variance of the Laplacian of the lightness, 0 for an even image.

    image: (H, W, 3) uint8 RGB, or (H, W) uint8.
    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def sharpness(generated: np.ndarray, target: np.ndarray) -> float:
    """The variance of the Laplacian as a share of the target's: 1 as crisp, below it blurred, above it noisy.

    generated, target: (H, W, 3) uint8 RGB; NaN where the target is even.
    """
    scale = laplacian_variance(target)
    return laplacian_variance(generated) / scale if scale else float("nan")
