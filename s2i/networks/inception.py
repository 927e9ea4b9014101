"""pytorch-fid's Inception, as a network of features."""

from collections.abc import Callable
from unittest import mock

import torch
from torch import Tensor, nn

from s2i.networks import weights


def fid_inception() -> Callable[[Tensor], Tensor] | None:
    """pytorch-fid's Inception up to its last pooling: (B, 3, H, W) in [-1, 1] -> (B, 2048); None if not to be had."""
    from pytorch_fid import inception
    from torch.nn.utils.fusion import fuse_conv_bn_eval
    from torchvision.models.inception import BasicConv2d

    file = weights.hub_path(weights.FID_INCEPTION)
    if file is None:
        return None
    # pytorch-fid would unpickle whatever lies in torch.hub's cache; it is given the checked file's tensors instead.
    state = torch.load(file, map_location="cpu", weights_only=True)
    with mock.patch.object(inception, "load_state_dict_from_url", lambda *_, **__: state):
        model = inception.InceptionV3().eval().requires_grad_(False)
    for block in model.modules():
        if isinstance(block, BasicConv2d):  # a third faster on a CPU
            block.conv, block.bn = fuse_conv_bn_eval(block.conv, block.bn), nn.Identity()
    model.to(memory_format=torch.channels_last)
    # Rounded to what the image files hold, features and FID are those of pytorch-fid's command line.
    return lambda images: model(((images + 1) * 127.5).round() / 255)[0].flatten(1)
