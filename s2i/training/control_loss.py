"""What the fine-tuning of a ControlNet minimises."""

from typing import Any

import torch
from diffusers import DDPMScheduler, StableDiffusionControlNetPipeline
from torch import Tensor, nn

from s2i.core.params import EdgeLoss, Params
from s2i.diffusion.controlnets import controlnet_cond
from s2i.training.edge_loss import edge_loss
from s2i.training.losses import OriginalLoss, noise_loss, sample_latents
from s2i.training.randomness import BatchRandom
from s2i.training.run import Loss


def control_loss(pipeline: StableDiffusionControlNetPipeline, empty_embeds: Tensor, params: Params) -> Loss:
    """What fine-tuning minimises: the error of the noise that the UNet predicts with what the ControlNets add.

    empty_embeds: what takes the place of a share of the prompts, (tokens, width).
    """
    scaling, train = pipeline.vae.config.scaling_factor, params.train
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    original_loss = None
    if train.edge.weight:
        original_loss = OriginalLoss(edge_loss(pipeline.vae.requires_grad_(False), train.edge), train.edge.below)
    if train.gradient_checkpointing:
        pipeline.vae.enable_gradient_checkpointing()

    def loss(model: nn.Module, batch: dict[str, Tensor], rng: BatchRandom) -> Tensor:
        latents = scaling * sample_latents(batch["latent_mean"], batch["latent_logvar"], rng)

        # A share of the prompts is empty, a share of the control images blank, a share of the examples without any.
        is_empty = rng.uniform((len(latents), 1, 1)) < train.prompt_dropout
        prompt_embeds = torch.where(is_empty, empty_embeds, batch["embedding"])
        control_images = controlnet_cond(batch, params.conditions)
        if train.condition_dropout:
            control_images = [
                images * (rng.uniform((len(images), 1, 1, 1)) >= train.condition_dropout) for images in control_images
            ]

        control_mask = None
        if train.control_dropout:
            control_mask = (rng.uniform((len(latents), 1, 1, 1)) >= train.control_dropout).to(latents.dtype)

        def model_output(noisy_latents: Tensor, timesteps: Tensor) -> Tensor:
            output: Tensor = model(noisy_latents, timesteps, prompt_embeds, control_images, control_mask)
            return output

        # Margins do not count, the background only as much as it is to.
        weights = batch["inside"]
        if train.background_weight < 1:
            weights = weights * (train.background_weight + (1 - train.background_weight) * batch["matte"])
        first_step = round(train.edge.after * train.steps)
        with_edges = rng.step is not None and rng.step >= first_step and rng.step % train.edge.every == 0
        return noise_loss(
            model_output, latents, noise_scheduler, rng, train.snr_gamma, weights, original_loss if with_edges else None
        )

    return loss


def without_choices(params: Params) -> Params:
    """The parameters without what a training may choose of its loss: dropout, weights and the edge loss."""
    plain: dict[str, Any] = dict.fromkeys(("prompt_dropout", "condition_dropout", "control_dropout"), 0.0)
    plain |= {"snr_gamma": None, "background_weight": 1.0, "edge": EdgeLoss()}
    return params.model_copy(update={"train": params.train.model_copy(update=plain)})
