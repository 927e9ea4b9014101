"""Models held in a number format."""

import torch

from s2i.diffusion import base
from s2i.diffusion.placement import HeldInPrecision


def test_a_held_model_is_called_and_described_as_before_and_its_weights_keep_their_names(tiny_base):
    unet = base.load(tiny_base, None).unet
    names, config = list(unet.state_dict()), unet.config
    held = HeldInPrecision(unet, "bf16")
    assert list(held.state_dict()) == names and held.config is config
    assert (held.dtype, held.device) == (torch.bfloat16, torch.device("cpu"))
    latents, prompt_embeds = torch.randn(1, 6, 8, 8), torch.randn(1, 77, config.cross_attention_dim)
    with torch.no_grad():
        (output,) = held(latents, torch.tensor(5), prompt_embeds, return_dict=False)
    assert output.dtype == torch.float32
