"""Shift-tolerant LPIPS, the perceptual distance whose weights can be had everywhere."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i.networks import weights


class BlurPool(nn.Module):
    """Halve height and width after a binomial blur, so that a shift by one pixel changes little.

    (B, channels, H, W) -> (B, channels, H/2 + 1, W/2 + 1).
    Source: Zhang, "Making convolutional networks shift-invariant again", ICML 2019, with the padding of the ECCV paper.
    """

    def __init__(self, channels: int):
        super().__init__()
        binomial = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.filt: Tensor
        self.register_buffer("filt", torch.outer(binomial, binomial).expand(channels, 1, 3, 3).clone())

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), self.filt, stride=2, groups=x.shape[1])


class ShiftTolerantLPIPS(nn.Module):
    """Shift-tolerant LPIPS on AlexNet, differentiable in both images; `ShiftTolerantLPIPS.load()` gives it trained.

    forward(generated, target): (B, 3, H, W) in [-1, 1], H and W at least 32 -> (B,), 0 for equal images.
    Source: Ghildyal and Liu, "Shift-tolerant perceptual similarity metric", ECCV 2022; equal to
    stlpips_pytorch.LPIPS(net="alex", variant="shift_tolerant").
    """

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(3, 64, 11, padding=2), BlurPool(64), nn.ReLU()),
                nn.Sequential(nn.MaxPool2d(3, 1), BlurPool(64), nn.Conv2d(64, 192, 5, padding=2), nn.ReLU()),
                nn.Sequential(nn.MaxPool2d(3, 1), BlurPool(192), nn.Conv2d(192, 384, 3, padding=1), nn.ReLU()),
                nn.Sequential(nn.Conv2d(384, 256, 3, padding=1), nn.ReLU()),
                nn.Sequential(nn.Conv2d(256, 256, 3, padding=1), nn.ReLU()),
            ]
        )
        self.scores = nn.ModuleList(nn.Conv2d(channels, 1, 1, bias=False) for channels in (64, 192, 384, 256, 256))
        self.shift: Tensor
        self.scale: Tensor
        self.register_buffer("shift", torch.empty(1, 3, 1, 1))
        self.register_buffer("scale", torch.empty(1, 3, 1, 1))

    @classmethod
    def load(cls) -> "ShiftTolerantLPIPS":
        """The trained distance, frozen and in eval mode.  Raises UserError if its weights cannot be had."""
        model = cls()
        published = torch.load(weights.path("alex_shift_tolerant.pth"), map_location="cpu", weights_only=True)
        # The published names differ, the order of the entries is the same up to where shift and scale stand.
        names = [name for name in model.state_dict() if name not in ("shift", "scale")]
        tensors = [tensor for name, tensor in published.items() if not name.startswith("scaling_layer.")]
        scaling = {name: published[f"scaling_layer.{name}"] for name in ("shift", "scale")}
        model.load_state_dict(dict(zip(names, tensors, strict=True)) | scaling)
        return model.eval().requires_grad_(False)

    def features(self, images: Tensor) -> list[Tensor]:
        """The unit-length feature maps of the five stages, each (B, C, h, w)."""
        x = (images - self.shift) / self.scale
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(F.normalize(x.float(), dim=1, eps=1e-10))
        return maps

    def forward(self, generated: Tensor, target: Tensor) -> Tensor:
        maps = zip(self.scores, self.features(generated), self.features(target), strict=True)
        return sum(score((a - b).square()).mean(dim=(1, 2, 3)) for score, a, b in maps)
