"""One ControlNet or several, and the embedding of their control images."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from torch import nn

from s2i.diffusion.base import Pipeline


def control_images(batch: Mapping[str, torch.Tensor], conditions: Sequence[str]) -> list[torch.Tensor]:
    """What the ControlNet of each condition is shown of a batch of encoded examples, (B, 3, H, W) in [0, 1]."""
    return [batch[f"control.{name}"].expand(-1, 3, -1, -1) for name in conditions]


def prediction(
    unet: UNet2DConditionModel,
    controlnet: ControlNetModel | MultiControlNetModel,
    noisy: torch.Tensor,
    timesteps: torch.Tensor,
    words: torch.Tensor,
    seen: Sequence[torch.Tensor],
) -> torch.Tensor:
    """What the UNet predicts of noisy latents (B, C, h, w), shown what the ControlNets add; the same shape.

    words: (B, tokens, width).  seen: a batch of control images for each ControlNet.
    """
    several = {"conditioning_scale": [1.0] * len(seen)} if len(seen) > 1 else {}
    shown = seen if several else seen[0]
    down, mid = controlnet(noisy, timesteps, words, controlnet_cond=shown, **several, return_dict=False)
    residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
    return unet(noisy, timesteps, words, **residuals).sample


def controlnets_of(controlnet: ControlNetModel | MultiControlNetModel) -> list[ControlNetModel]:
    """The ControlNets of one or several."""
    return list(controlnet.nets) if isinstance(controlnet, MultiControlNetModel) else [controlnet]


class CachedEmbedding(nn.Module):
    """Stands where a ControlNet embeds its control images, and gives the embedding they have had at every step."""

    def __init__(self, embedding: torch.Tensor):
        super().__init__()
        self.embedding = embedding

    def forward(self, sample: torch.Tensor) -> torch.Tensor:
        return self.embedding.repeat(len(sample) // len(self.embedding), 1, 1, 1)


def embedded_once(pipeline: Pipeline, controls: Sequence[Sequence[np.ndarray]]) -> Callable[..., dict]:
    """The function for the residuals of all ControlNets, which embed their control images here and not again."""
    nets = getattr(pipeline.controlnet, "nets", [pipeline.controlnet])
    embeddings = []
    for net, kind in zip(nets, zip(*controls, strict=True), strict=True):
        images = torch.stack(list(map(control_tensor, kind))).to(net.device, net.dtype)
        if net.config.controlnet_conditioning_channel_order == "bgr":
            images = images.flip(1)
        embeddings.append(CachedEmbedding(net.controlnet_cond_embedding(images)))

    def residuals(
        sample: torch.Tensor, timestep: torch.Tensor, encoder_hidden_states: torch.Tensor, scale: float
    ) -> dict:
        found = []
        for net, embedding in zip(nets, embeddings, strict=True):
            with in_place_of(net, embedding):
                found.append(net(sample, timestep, encoder_hidden_states, sample, scale, return_dict=False))
        return {
            "down_block_additional_residuals": [
                sum(several) for several in zip(*(down for down, _ in found), strict=True)
            ],
            "mid_block_additional_residual": sum(mid for _, mid in found),
        }

    return residuals


@contextmanager
def in_place_of(net: nn.Module, embedding: CachedEmbedding) -> Iterator[None]:
    """For one call alone: a drawing that somebody stopped asking for must leave nothing of itself in the ControlNet."""
    embedder = net.controlnet_cond_embedding
    net.controlnet_cond_embedding = embedding
    try:
        yield
    finally:
        net.controlnet_cond_embedding = embedder


def control_tensor(control: np.ndarray) -> torch.Tensor:
    """(H, W) or (H, W, 3) uint8 to (3, H, W) in [0, 1]."""
    planes = torch.tensor(control)
    planes = planes.permute(2, 0, 1) if planes.ndim == 3 else planes[None].expand(3, -1, -1)
    return planes.float() / 255
