"""Perceptual distances in two steps, features of each image and then distances of features.

So a photo that many images are compared with is looked at once, and what counts in an image can be weighted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i.networks import lpips
from s2i.networks.st_lpips import ShiftTolerantLPIPS

LPIPS_VARIANTS = {"lpips": "alex", "lpips_vgg": "vgg"}


class PerceptualDistance(NamedTuple):
    """``features``: (B, 3, H, W) in [-1, 1] -> maps (B, C, h, w); ``heads``: for each map -> (B, 1, h, w)."""

    features: Callable[[Tensor], list[Tensor]]
    heads: Iterable[nn.Module]

    def between(self, generated: Sequence[Tensor], target: Sequence[Tensor], matte: Tensor | None = None) -> Tensor:
        """The distance (B,) of images by their features.

        matte: (B, 1, H, W) in [0, 1], how much each pixel counts; a blank one gives NaN.
        """
        maps = [head((a - b).square()) for head, a, b in zip(self.heads, generated, target, strict=True)]
        if matte is None:
            means = [distances.mean(dim=(1, 2, 3)) for distances in maps]
        else:
            means = [_weighted_mean(distances, matte) for distances in maps]
        distance: Tensor = reduce(torch.add, means)
        return distance


def available() -> dict[str, PerceptualDistance]:
    """The distances that can be had on this machine, by name; `lpips.absence` says why one cannot."""
    model = ShiftTolerantLPIPS.load()
    distances = {"st_lpips": PerceptualDistance(model.features, model.scores)}
    for name, net in LPIPS_VARIANTS.items():
        if not lpips.absence(net):
            distances[name] = lpips_package(net, lpips.trunk(net))
    return distances


def lpips_package(net: str, trunk: Mapping[str, Tensor]) -> PerceptualDistance:
    """The lpips package's distance with the trunk's weights in it, see `s2i.networks.lpips.build`."""
    from lpips import normalize_tensor

    model = lpips.build(net, trunk)

    def features(images: Tensor) -> list[Tensor]:
        return [normalize_tensor(feature_map) for feature_map in model.net(model.scaling_layer(images))]

    return PerceptualDistance(features, list(model.lins))


def _weighted_mean(distances: Tensor, matte: Tensor) -> Tensor:
    """The mean over height and width of a map (B, 1, h, w), each place counted as much as matte (B, 1, H, W) says."""
    weight = F.interpolate(matte, size=distances.shape[2:], mode="area")
    return (distances * weight).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))
