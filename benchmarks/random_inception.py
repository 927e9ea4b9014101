"""Weights for pytorch-fid's Inception where the trained ones are not on the machine."""

import torch

from s2i.networks.inception import untrained_layers


def random_inception() -> dict[str, torch.Tensor]:
    """A state dict of pytorch-fid's Inception, random and as large as trained weights would be."""
    layers = untrained_layers()
    for parameter in layers.parameters():
        if parameter.ndim > 1:
            torch.nn.init.kaiming_normal_(parameter)
    return layers.state_dict()
