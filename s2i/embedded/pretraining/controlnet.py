"""The embedded ControlNet: a copy of the UNet's encoder that learns to follow Canny edge maps."""

import shutil
from pathlib import Path

import numpy as np
import torch
from diffusers import ControlNetModel, DDPMScheduler, StableDiffusionPipeline
from torch import nn

from s2i.core import devices
from s2i.diffusion import placement
from s2i.embedded.pretraining import renders
from s2i.embedded.pretraining.params import Canny, TextToImage
from s2i.embedded.pretraining.text_to_image import encoded, tokens_of
from s2i.imaging.edges import canny
from s2i.training.loop import fit
from s2i.training.losses import noise_loss, sample_latents
from s2i.training.run import Run


class ControlledUNet(nn.Module):
    """UNet, text encoder and ControlNet as one module with one forward."""

    def __init__(self, unet: nn.Module, text_encoder: nn.Module, controlnet: ControlNetModel):
        super().__init__()
        self.unet, self.text_encoder, self.controlnet = unet, text_encoder, controlnet

    def forward(self, noisy_latents, timesteps, tokens, control, heard):
        """(B, C, h, w), (B,), (B, L), (B, 3, H, W), heard (B, 1, 1, 1) 0 or 1 -> velocity (B, C, h, w)."""
        words = self.text_encoder(tokens).last_hidden_state
        down, mid = self.controlnet(noisy_latents, timesteps, words, control, return_dict=False)
        return self.unet(
            noisy_latents,
            timesteps,
            words,
            down_block_additional_residuals=[residual * heard for residual in down],
            mid_block_additional_residual=mid * heard,
        ).sample


def train(corpus: Path, base: Path, target: Path, settings: Canny, wordings: TextToImage, seed: int) -> None:
    """Train a ControlNet on the corpus and its edge maps, and the base along with it; save both into ``target``.

    The ControlNet is unheard in a share of the examples, so that the base still draws from text alone.  Training both
    is what makes it fast: a frozen small UNet takes far longer to give way to the edges.
    """
    torch.manual_seed(seed)
    device, precision = devices.pick()
    pipeline = StableDiffusionPipeline.from_pretrained(base, torch_dtype=torch.float32).to(device)
    sizes = settings.conditioning_channels
    controlnet = ControlNetModel.from_unet(pipeline.unet, conditioning_embedding_out_channels=sizes)
    listen(controlnet)
    placement.move_to(device, pipeline.unet, controlnet)
    model = ControlledUNet(pipeline.unet, pipeline.text_encoder, controlnet)
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    empty = pipeline.tokenizer([""], padding="max_length", return_tensors="pt").input_ids.to(device)
    photos, table = renders.read(corpus)

    def loss(model, batch, draws):
        count = len(batch["tokens"])
        which = draws.integers(wordings.prompts_per_image, count)
        silent = draws.uniform((count, 1)) < settings.prompt_dropout
        heard = draws.uniform((count, 1, 1, 1)) >= settings.control_dropout
        tokens = torch.where(silent, empty, batch["tokens"][torch.arange(count), which])
        edges = batch["edges"].float().div(255).expand(-1, 3, -1, -1)
        latents = sample_latents(batch["mean"], batch["logvar"], draws) * pipeline.vae.config.scaling_factor
        return noise_loss(
            lambda noisy, timesteps: model(noisy, timesteps, tokens, edges, heard.float()),
            latents,
            noise_scheduler,
            draws,
        )

    columns = encoded(photos, pipeline.vae) | {"tokens": tokens_of(table, pipeline.tokenizer, wordings, seed)}
    fit(
        Run(
            model,
            loss,
            renders.Columns(**columns, edges=edge_maps(photos)),
            settings,
            renders.checkpoints(__name__, "canny", [corpus, base], [settings, wordings, seed]),
            device=device,
            precision=precision,
            seed=seed,
            description="canny controlnet",
        )
    )
    shutil.rmtree(target, ignore_errors=True)
    pipeline.to(torch.bfloat16).save_pretrained(target)
    controlnet.to(torch.bfloat16).save_pretrained(target / "controlnet")


def listen(controlnet: ControlNetModel) -> None:
    """Give the zero convolutions ordinary random weights: there is no finished base that they would have to spare."""
    silent = [*controlnet.controlnet_down_blocks, controlnet.controlnet_mid_block]
    for convolution in [*silent, controlnet.controlnet_cond_embedding.conv_out]:
        convolution.reset_parameters()


def edge_maps(photos: torch.Tensor) -> torch.Tensor:
    """Canny edges of every image, then of every mirrored one: (N, 3, H, W) uint8 -> (2N, 1, H, W) uint8."""
    both = renders.arrays(torch.cat([photos, photos.flip(-1)]))
    return torch.from_numpy(np.stack([canny(np.ascontiguousarray(photo)) for photo in both])[:, None])
