"""What saves memory or time in training changes nothing else."""

import pytest
import torch

from s2i.core.params import Train
from s2i.diffusion import base
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
