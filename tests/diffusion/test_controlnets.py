"""ControlNets on control images and on their embedding."""

import pytest
import torch
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


def test_a_controlnet_with_the_embedding_has_the_weights_of_the_controlnet_which_stays_as_it_is(controlnet):
    embedding, names = controlnet.controlnet_cond_embedding, list(controlnet.state_dict())
    other = ControlNetWithEmbedding(controlnet)
    assert other.controlnet.mid_block is controlnet.mid_block and other.dtype == controlnet.dtype
    assert controlnet.controlnet_cond_embedding is embedding and list(controlnet.state_dict()) == names
