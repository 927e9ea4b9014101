"""A ControlNet of a few numbers."""

import pytest
import torch
from diffusers import ControlNetModel


@pytest.fixture
def controlnet():
    """A tiny ControlNet whose zero convolutions are not zero any more, so that its attention is heard."""
    torch.manual_seed(0)
    model = ControlNetModel(
        in_channels=4,
        block_out_channels=(16, 32),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        layers_per_block=1,
        cross_attention_dim=24,
        attention_head_dim=2,
        norm_num_groups=8,
        conditioning_embedding_out_channels=(8, 8, 8, 8),
    )
    for name, parameter in model.named_parameters():
        if "controlnet_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()
