"""ControlNets on control images and on their embedding."""

import pytest
import torch
from accelerate import Accelerator
from helpers.controlnets import inputs

from s2i.diffusion.controlnets import ControlNetWithEmbedding, embed


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_a_controlnet_with_the_embedding_computes_what_it_does_with_the_images(controlnet, order):
    controlnet.register_to_config(controlnet_conditioning_channel_order=order)
    given = inputs(controlnet)
    images = given.pop("controlnet_cond")
    with_embedding = ControlNetWithEmbedding(controlnet)
    with torch.no_grad():
        down, mid = controlnet(**given, controlnet_cond=images, return_dict=False)
        other_down, other_mid = with_embedding(**given, embedding=embed(with_embedding, images))
    assert all(map(torch.equal, [*down, mid], [*other_down, other_mid]))


@pytest.mark.parametrize("compiled", [False, True])
def test_a_controlnet_that_trains_in_autocast_compiled_or_not_draws_in_autocast(controlnet, compiled, fresh_accelerate):
    given = inputs(controlnet)
    images = given.pop("controlnet_cond")
    half = {name: given[name].bfloat16() for name in ("sample", "encoder_hidden_states")}
    with torch.no_grad():
        down, mid = controlnet(**given, controlnet_cond=images, return_dict=False)
    if compiled:
        controlnet.forward = torch.compile(controlnet.forward)
    prepared = Accelerator(cpu=True, mixed_precision="bf16").prepare(controlnet)
    with_embedding = ControlNetWithEmbedding(prepared)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        other_down, other_mid = with_embedding(**(given | half), embedding=embed(with_embedding, images))
    for residual, other in zip([*down, mid], [*other_down, other_mid], strict=True):
        torch.testing.assert_close(residual, other.float(), atol=0.05, rtol=0.05)


def test_a_controlnet_with_the_embedding_has_the_weights_of_the_controlnet_which_stays_as_it_is(controlnet):
    embedding, names = controlnet.controlnet_cond_embedding, list(controlnet.state_dict())
    other = ControlNetWithEmbedding(controlnet)
    assert other.controlnet.mid_block is controlnet.mid_block and other.dtype == controlnet.dtype
    assert controlnet.controlnet_cond_embedding is embedding and list(controlnet.state_dict()) == names
