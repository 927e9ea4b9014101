"""pytorch-fid's Inception, as a network of features."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i.networks import weights

SIDE = 299  # pixels that every image is resized to


def fid_inception() -> Callable[[Tensor], Tensor] | None:
    """pytorch-fid's Inception up to its last pooling: (B, 3, H, W) in [-1, 1] -> (B, 2048); None if not to be had.

    Features and FID are those of pytorch-fid's command line on image files.
    """
    from torch.nn.utils.fusion import fuse_conv_bn_eval
    from torchvision.models.inception import BasicConv2d

    file = weights.hub_path(weights.FID_INCEPTION)
    if file is None:
        return None
    layers = untrained_layers()
    layers.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    model = _FeaturesOfLayers(layers).eval().requires_grad_(False)
    for block in model.modules():
        if isinstance(block, BasicConv2d):  # a third faster on a CPU
            block.conv, block.bn = fuse_conv_bn_eval(block.conv, block.bn), nn.Identity()
    model.to(memory_format=torch.channels_last)
    return model


def untrained_layers() -> nn.Module:
    """The network whose state dict the published file holds, with random weights.

    These are the layers of pytorch_fid.inception.fid_inception_v3(), which would download the file or unpickle whatever
    lies in torch.hub's cache: torchvision's Inception with the blocks in which TensorFlow's differs.
    """
    from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2
    from torchvision.models import inception_v3

    layers = inception_v3(weights=None, num_classes=1008, aux_logits=False, init_weights=False)
    layers.Mixed_5b = FIDInceptionA(192, pool_features=32)
    layers.Mixed_5c = FIDInceptionA(256, pool_features=64)
    layers.Mixed_5d = FIDInceptionA(288, pool_features=64)
    layers.Mixed_6b = FIDInceptionC(768, channels_7x7=128)
    layers.Mixed_6c = FIDInceptionC(768, channels_7x7=160)
    layers.Mixed_6d = FIDInceptionC(768, channels_7x7=160)
    layers.Mixed_6e = FIDInceptionC(768, channels_7x7=192)
    layers.Mixed_7b = FIDInceptionE_1(1280)
    layers.Mixed_7c = FIDInceptionE_2(2048)
    return layers


class _FeaturesOfLayers(nn.Module):
    """Images to features as pytorch_fid.inception.InceptionV3 goes: resized, then all layers but the classifier."""

    def __init__(self, layers: nn.Module):
        super().__init__()
        names = [name for name, _ in layers.named_children() if name not in ("dropout", "fc")]
        self.layers = nn.Sequential(*(layers.get_submodule(name) for name in names))

    def forward(self, images: Tensor) -> Tensor:
        stored = ((images + 1) * 127.5).round() / 255  # what image files hold
        resized = F.interpolate(stored, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
        return self.layers(2 * resized - 1).flatten(1)
