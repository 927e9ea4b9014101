"""What saves memory or time in training changes nothing else."""

import pytest
import torch
from torch import nn

from s2i.core.params import Train
from s2i.diffusion import base, placement
from s2i.training import setup

CPU = torch.device("cpu")


@pytest.fixture
def learned(tiny_base):
    """learned(precision, ...) is a loss and the ControlNet's gradients, with these parameters of the training."""

    def learned(precision="fp32", **changes):
        pipeline = base.load(tiny_base, tiny_base / "controlnet")
        net, unet = pipeline.controlnet, pipeline.unet
        train = Train(steps=1, batch_size=2, learning_rate=1e-3, **changes)
        (unet,) = setup.prepare_models([net], [unet], train, CPU, precision)
        torch.manual_seed(0)
        latents, words = torch.randn(2, 6, 8, 8), torch.randn(2, 77, unet.config.cross_attention_dim)
        timesteps, seen = torch.tensor([998, 5]), torch.rand(2, 3, 64, 64)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            down, mid = net(latents, timesteps, words, seen, return_dict=False)
            residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
            loss = unet(latents, timesteps, words, **residuals).sample.square().mean()
        loss.backward()
        return loss.detach(), {name: one.grad for name, one in net.named_parameters()}

    return learned


@pytest.mark.parametrize("changes", [{"gradient_checkpointing": True}, {"channels_last": False}], ids=str)
def test_losses_and_gradients_are_the_same(learned, changes):
    torch.testing.assert_close(learned(**changes), learned(), rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_compiled_models_lose_the_same_and_their_weights_keep_their_names(learned):
    torch.testing.assert_close(learned(compile=True), learned(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("frozen", ["auto", "fp32", "bf16"])
def test_the_frozen_part_may_have_a_number_format_of_its_own(learned, precision, frozen):
    loss, gradients = learned(precision, frozen=frozen)
    exact, directions = learned()
    torch.testing.assert_close(loss, exact, rtol=0.02, atol=0)
    together, other = (torch.cat([one.flatten() for one in found.values()]) for found in (gradients, directions))
    assert together.dtype == torch.float32 and torch.cosine_similarity(together, other, dim=0) > 0.99


def test_a_unet_held_in_bf16_is_so_and_tells_timesteps_apart(tiny_base):
    unet = placement.HeldInPrecision(base.load(tiny_base, None).unet, "bf16")
    latents, words = torch.randn(1, 6, 8, 8), torch.randn(1, 77, unet.config.cross_attention_dim)
    drawn = [unet(latents, torch.tensor(time), words).sample for time in (998.0, 999.0)]
    assert unet.dtype == torch.bfloat16 and drawn[0].dtype == torch.float32 and not torch.equal(*drawn)


def test_the_frozen_encoder_keeps_nothing_for_gradients(tiny_base):
    pipeline = base.load(tiny_base, tiny_base / "controlnet")
    unet, kept = placement.HeldInPrecision(pipeline.unet.requires_grad_(False), "fp32"), []
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
    placement.move_to(CPU, unet)
    assert all(isinstance(one, placement.AttentionBySize) for one in unet.attn_processors.values())
    assert isinstance(unet.conv_in, nn.Conv2d) and unet.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
