"""Photos of houses, drawn."""

import numpy as np


def house(seed: int = 0, wall=(172, 44, 40)) -> np.ndarray:
    """A red house under a blue sky, (96, 128, 3) uint8, different for each seed."""
    rng = np.random.default_rng(seed)
    image = np.empty((96, 128, 3), np.uint8)
    image[:60], image[60:] = (150, 190, 230), (110, 150, 80)
    for _ in range(6 if seed else 0):  # neighbours and clouds, so that no two are near-duplicates
        y, x = rng.integers(0, 80), rng.integers(0, 110)
        image[y : y + rng.integers(8, 50), x : x + rng.integers(8, 50)] = rng.integers(40, 255)
    left = 24 + int(rng.integers(10))
    image[26:78, left : left + 70] = wall
    for column in range(left + 6, left + 60, 16):
        image[36:52, column : column + 9] = (30, 40, 60)
    noise = rng.integers(-4, 5, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)
