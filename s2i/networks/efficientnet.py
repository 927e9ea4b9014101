"""EfficientNet-Lite0 trained on ImageNet, as a network of features."""

from collections.abc import Callable
from functools import cache as once

import torch
import torch.nn.functional as F
from torch import Tensor

from s2i.networks import weights

CHANNELS = 1280
SIDE = 224  # pixels of the images that it was trained on, with values in [-1, 1]


def efficientnet_lite0() -> Callable[[Tensor], Tensor]:
    """The network up to its pooled features: (B, 3, H, W) in [-1, 1] -> (B, 1280).

    Raises UserError if its weights cannot be had.
    """
    network = efficientnet_lite0_maps()
    return lambda images: network(images).mean(dim=(2, 3))


@once
def efficientnet_lite0_maps() -> Callable[[Tensor], Tensor]:
    """The same before pooling: (B, 3, H, W) in [-1, 1] -> (B, 1280, 7, 7)."""
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0")
    file = weights.path("efficientnet-lite0-57934424.pth")
    model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    model.eval().requires_grad_(False)

    def feature_maps(images: Tensor) -> Tensor:
        return model.extract_features(F.interpolate(images, size=(SIDE, SIDE), mode="bilinear", antialias=True))

    return feature_maps
