"""A UNet's features drawn towards those of a network that knows images, early in its training."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from s2i.imaging import tensors
from s2i.networks.efficientnet import efficientnet_lite0_maps

FITTED_ON = 512  # images, whose 7 x 7 places give the principal directions
AT_ONCE = 32


@torch.no_grad()
def targets(photos: Tensor, width: int) -> Tensor:
    """EfficientNet-Lite0's feature map of every image in its ``width`` strongest directions: (N, width, 7, 7) float16.

    photos: (N, 3, H, W) uint8.
    """
    network = efficientnet_lite0_maps()

    def maps(batch: Tensor) -> Tensor:
        return network(tensors.to_unit_range(batch)).movedim(1, -1)

    places = torch.cat([maps(batch).flatten(0, -2) for batch in photos[:FITTED_ON].split(AT_ONCE)])
    center = places.mean(dim=0)
    directions = torch.pca_lowrank(places - center, width, center=False)[2]
    batches = tqdm(photos.split(AT_ONCE), desc="features to align with", unit="batch")
    return torch.cat([((maps(batch) - center) @ directions).movedim(-1, 1).half() for batch in batches])


class Alignment(nn.Module):
    """Two layers between a UNet's features (B, C, h, w) and the targets (B, width, 7, 7).

    Source: Yu et al., "Representation alignment for generation", ICLR 2025.
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(channels, 2 * width, 1), nn.SiLU(), nn.Conv2d(2 * width, width, 1))

    def forward(self, features: Tensor, target: Tensor) -> Tensor:
        """1 less the mean cosine over places: a scalar from 0 to 2."""
        projected = F.adaptive_avg_pool2d(self.layers(features).float(), (target.shape[-2], target.shape[-1]))
        return 1 - F.cosine_similarity(projected, target.float(), dim=1).mean()
