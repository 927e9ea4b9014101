"""ControlNets on control images and on their embedding."""

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
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


def test_a_controlnet_that_trains_in_autocast_draws_in_autocast(controlnet):
    AcceleratorState._reset_state()
    prepared = Accelerator(cpu=True, mixed_precision="bf16").prepare(controlnet)
    AcceleratorState._reset_state()
    given = inputs(controlnet)
    images = given.pop("controlnet_cond")
    half = {name: given[name].bfloat16() for name in ("sample", "encoder_hidden_states")}
    with_embedding = ControlNetWithEmbedding(prepared)
    with torch.no_grad():
        embedding = embed(with_embedding, images)
        down, mid = with_embedding(**(given | half), embedding=embedding)
        other_down, other_mid = prepared(**(given | half), controlnet_cond=images, return_dict=False)
    for residual, other in zip([*down, mid], [*other_down, other_mid], strict=True):
        assert residual.dtype == torch.float32
        torch.testing.assert_close(residual, other, atol=0.05, rtol=0.05)


def test_a_controlnet_with_the_embedding_has_the_weights_of_the_controlnet_which_stays_as_it_is(controlnet):
    embedding, names = controlnet.controlnet_cond_embedding, list(controlnet.state_dict())
    other = ControlNetWithEmbedding(controlnet)
    assert other.controlnet.mid_block is controlnet.mid_block and other.dtype == controlnet.dtype
    assert controlnet.controlnet_cond_embedding is embedding and list(controlnet.state_dict()) == names
