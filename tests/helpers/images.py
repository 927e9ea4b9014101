"""Images that several tests of metrics and networks look at."""

import cv2
import numpy as np
import torch


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    """Noise in [-1, 1]."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def facade(shift=0):
    """A 96 px wall with six dark windows, all of it moved to the right by shift pixels."""
    image = np.full((96, 96, 3), 200, np.uint8)
    for top in (20, 56):
        for left in (14, 40, 66):
            image[top : top + 14, left + shift : left + shift + 10] = 40
    return image


def wall_with_windows(windows: int) -> np.ndarray:
    """A wall with so many dark windows in it, (128, 128, 3) uint8."""
    image = np.full((128, 128, 3), 190, np.uint8)
    for number in range(windows):
        x, y = 14 + 28 * (number % 4), 14 + 36 * (number // 4)
        cv2.rectangle(image, (x, y), (x + 12, y + 18), (40, 45, 60), cv2.FILLED)
    return image
