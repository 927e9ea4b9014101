"""Models laid out on a device and held in a number format."""

import pytest
import torch
from torch import nn

from s2i.diffusion import base, placement
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


def test_a_unet_held_in_bf16_is_so_and_tells_timesteps_apart(tiny_base):
    unet = HeldInPrecision(base.load(tiny_base, None).unet, "bf16")
    latents, words = torch.randn(1, 6, 8, 8), torch.randn(1, 77, unet.config.cross_attention_dim)
    drawn = [unet(latents, torch.tensor(time), words).sample for time in (998.0, 999.0)]
    assert unet.dtype == torch.bfloat16 and drawn[0].dtype == torch.float32 and not torch.equal(*drawn)


def test_the_frozen_encoder_keeps_nothing_for_gradients(tiny_base):
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    unet, kept = HeldInPrecision(pipeline.unet.requires_grad_(False), "fp32"), []
    for block in unet.down_blocks:
        block.register_forward_hook(lambda _, __, output: kept.append(output[0].requires_grad))
    latents, words = torch.randn(1, 6, 8, 8), torch.randn(1, 77, unet.config.cross_attention_dim)
    down, mid = pipeline.controlnet(latents, torch.tensor(5), words, torch.rand(1, 3, 64, 64), return_dict=False)
    residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
    drawn = unet(latents, torch.tensor(5), words, **residuals).sample
    assert drawn.requires_grad and kept == [False] * len(unet.down_blocks)


@pytest.mark.parametrize("tokens", [64, placement.FUSED_FROM])
def test_attention_by_size_is_attention(tokens):
    from diffusers.models.attention_processor import Attention, AttnProcessor

    torch.manual_seed(0)
    attention, states = Attention(16, heads=2, dim_head=8), torch.randn(1, tokens, 16)
    attention.set_processor(AttnProcessor())
    plain = attention(states)
    attention.set_processor(placement.AttentionBySize())
    torch.testing.assert_close(attention(states), plain, rtol=1e-4, atol=1e-5)


def test_every_model_that_is_suited_to_a_cpu_has_it(tiny_base):
    unet = base.load(tiny_base, None).unet
    placement.move_to(torch.device("cpu"), unet)
    assert all(isinstance(one, placement.AttentionBySize) for one in unet.attn_processors.values())
    assert isinstance(unet.conv_in, nn.Conv2d) and unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
