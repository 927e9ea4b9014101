"""Weights for pytorch-fid's Inception where the trained ones are not on the machine."""

from unittest import mock

import torch
from pytorch_fid import inception


def random_inception() -> dict[str, torch.Tensor]:
    """A state dict of pytorch-fid's Inception, random and as large as trained weights would be."""
    with (
        mock.patch.object(inception, "load_state_dict_from_url"),
        mock.patch.object(torch.nn.Module, "load_state_dict"),
    ):
        trunk = inception.fid_inception_v3()
    for parameter in trunk.parameters():
        if parameter.ndim > 1:
            torch.nn.init.kaiming_normal_(parameter)
    return trunk.state_dict()
