"""Images as the tensors that models take."""

from collections.abc import Sequence

import numpy as np
import torch


def stack(images: Sequence[np.ndarray]) -> torch.Tensor:
    """Equally large images (H, W, 3) uint8 as one batch (B, 3, H, W) uint8."""
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous()


def to_unit_range(batch: torch.Tensor) -> torch.Tensor:
    """uint8 [0, 255] to float32 [-1, 1], the range of autoencoders and of perceptual distances; same shape."""
    return batch.float() / 127.5 - 1
