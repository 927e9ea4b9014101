"""Images that several tests of metrics and networks look at."""

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
