"""One ControlNet or several beside a UNet, given control images or, where many steps see the same, their embedding."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from torch import nn

Residuals = tuple[list[torch.Tensor], torch.Tensor]  # of the down blocks, and of the middle one


def controlnet_cond(batch: Mapping[str, torch.Tensor], conditions: Sequence[str]) -> list[torch.Tensor]:
    """What the ControlNet of each condition is shown of a batch of encoded examples, (B, 3, H, W) in [0, 1]."""
    return [batch[f"control.{name}"].expand(-1, 3, -1, -1) for name in conditions]


def predict(
    unet: UNet2DConditionModel,
    controlnet: ControlNetModel | MultiControlNetModel,
    noisy_latents: torch.Tensor,
    timesteps: torch.Tensor,
    encoder_hidden_states: torch.Tensor,
    control_images: Sequence[torch.Tensor],
    control_mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """The noise or velocity that the UNet predicts in noisy latents with what the ControlNets add, both (B, C, h, w).

    encoder_hidden_states: (B, tokens, width).  control_images: a batch (B, 3, H, W) for each ControlNet.
    control_mask: (B, 1, 1, 1), 0 where the ControlNets add nothing, as in the branch of guidance without them, and 1
    elsewhere; None is 1 everywhere.
    """
    control: dict[str, Any] = {"controlnet_cond": control_images[0]}
    if len(control_images) > 1:
        control = {"controlnet_cond": control_images, "conditioning_scale": [1.0] * len(control_images)}
    down, mid = controlnet(noisy_latents, timesteps, encoder_hidden_states, **control, return_dict=False)
    if control_mask is not None:
        down, mid = [residual * control_mask for residual in down], mid * control_mask
    residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
    model_output: torch.Tensor = unet(noisy_latents, timesteps, encoder_hidden_states, **residuals).sample
    return model_output


class ControlledUNet(nn.Module):
    """A UNet and the ControlNets beside it, as one model that trains: `predict` with one forward."""

    def __init__(self, unet: nn.Module, controlnet: nn.Module):
        super().__init__()
        self.unet, self.controlnet = unet, controlnet

    def forward(
        self,
        noisy_latents: torch.Tensor,
        timesteps: torch.Tensor,
        prompt_embeds: torch.Tensor,
        control_images: Sequence[torch.Tensor],
        control_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(B, C, h, w), (B,), (B, tokens, width), control images of each ControlNet -> model output (B, C, h, w)."""
        where = noisy_latents, timesteps, prompt_embeds
        return predict(self.unet, self.controlnet, *where, control_images, control_mask)


def controlnets_of(controlnet: nn.Module) -> list[Any]:
    """The ControlNets of one or several."""
    return list(getattr(controlnet, "nets", [controlnet]))


def combine(controlnets: Sequence[nn.Module]) -> Any:
    """One ControlNet of them, whose effect is the sum of theirs; the only one as it is."""
    return controlnets[0] if len(controlnets) == 1 else MultiControlNetModel(controlnets)


class ControlNetWithEmbedding(nn.Module):
    """A ControlNet that is given the embedding of its control images in the place of the images.

    So the images are embedded once and not at every step, and other engines need not convert what embeds them.  Its
    weights are those of ``controlnet``, which stays as it is.
    """

    def __init__(self, controlnet: ControlNetModel):
        super().__init__()
        self.controlnet_cond_embedding = controlnet.controlnet_cond_embedding
        self.controlnet = copy(controlnet)  # a shallow copy: the modules in it are the same ones
        self.controlnet._modules = {**controlnet._modules, "controlnet_cond_embedding": nn.Identity()}
        vars(self.controlnet).pop("forward", None)  # of ``controlnet`` itself: compiled, or in autocast as it trains

    @property
    def config(self) -> Any:
        return self.controlnet.config

    @property
    def dtype(self) -> Any:
        return self.controlnet.dtype

    @property
    def device(self) -> Any:
        return self.controlnet.device

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        embedding: torch.Tensor,
        conditioning_scale: float = 1.0,
    ) -> Residuals:
        """What the ControlNet adds to a UNet; embedding: what `embed` gives of the control images of ``sample``."""
        if self.config.controlnet_conditioning_channel_order == "bgr":
            embedding = embedding.flip(1)  # the ControlNet flips the channels of whatever it is given
        residuals: Residuals = self.controlnet(
            sample, timestep, encoder_hidden_states, embedding, conditioning_scale, return_dict=False
        )
        return residuals


class MultiControlNet(nn.Module):
    """Several ControlNets that are given embeddings, in the place of diffusers' MultiControlNetModel."""

    def __init__(self, nets: Sequence[nn.Module]):
        super().__init__()
        self.nets = nn.ModuleList(nets)


class ConditionedControlNets:
    """The ControlNets of a pipeline and the control images of a batch, which are embedded here and not again.

    controlnet: one or several ControlNetModels, or such as are given embeddings.  control_images: of each example one
    for each ControlNet, (H, W) or (H, W, 3) uint8.
    """

    def __init__(self, controlnet: nn.Module, control_images: Sequence[Sequence[np.ndarray]]):
        self.controlnets = [with_embedding(net) for net in controlnets_of(controlnet)]
        self.embeddings = [
            embed(net, torch.stack([image_tensor(image) for image in images]))
            for net, images in zip(self.controlnets, zip(*control_images, strict=True), strict=True)
        ]

    def __call__(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        conditioning_scale: float,
    ) -> dict[str, Any]:
        """What they add to the UNet, as its keyword arguments; ``sample`` is the batch, or the batch several times."""
        residuals: list[Residuals] = []
        for net, embedding in zip(self.controlnets, self.embeddings, strict=True):
            repeated = embedding.repeat(len(sample) // len(embedding), 1, 1, 1)
            residuals.append(net(sample, timestep, encoder_hidden_states, repeated, conditioning_scale))
        return {
            "down_block_additional_residuals": [
                sum(block) for block in zip(*(down for down, _ in residuals), strict=True)
            ],
            "mid_block_additional_residual": sum(mid for _, mid in residuals),
        }


def prepend_zeros(residuals: dict[str, Any], count: int) -> dict[str, Any]:
    """What ControlNets add to a batch, for a batch before which come ``count`` examples that they add nothing to."""
    down, mid = residuals.values()
    padded = [
        torch.cat([residual.new_zeros(count, *residual.shape[1:]), residual]) if count else residual
        for residual in (*down, mid)
    ]
    return dict(zip(residuals, (padded[:-1], padded[-1]), strict=True))


def give_embeddings(pipeline: Any) -> None:
    """Have the ControlNets of a pipeline take embeddings, for `ConditionedControlNets` alone to call."""
    controlnets = [with_embedding(controlnet) for controlnet in controlnets_of(pipeline.controlnet)]
    pipeline.controlnet = controlnets[0] if len(controlnets) == 1 else MultiControlNet(controlnets)


def with_embedding(controlnet: nn.Module) -> Any:
    """The ControlNet as one that is given embeddings, which those of other engines are already."""
    return ControlNetWithEmbedding(controlnet) if isinstance(controlnet, ControlNetModel) else controlnet


def embed(controlnet: Any, control_images: torch.Tensor) -> torch.Tensor:
    """The embedding of control images (B, 3, H, W) in [0, 1] that a ControlNet adds to its latents, (B, C, h, w)."""
    control_images = control_images.to(controlnet.device, controlnet.dtype)
    if controlnet.config.controlnet_conditioning_channel_order == "bgr":
        control_images = control_images.flip(1)
    embedding: torch.Tensor = controlnet.controlnet_cond_embedding(control_images)
    return embedding


def image_tensor(control_image: np.ndarray) -> torch.Tensor:
    """(H, W) or (H, W, 3) uint8 to (3, H, W) in [0, 1]."""
    planes = torch.tensor(control_image)
    planes = planes.permute(2, 0, 1) if planes.ndim == 3 else planes[None].expand(3, -1, -1)
    return planes.float() / 255
