"""The embedded ControlNet: a copy of the UNet's encoder that has learned to follow Canny edge maps."""

from pathlib import Path

import numpy as np
import torch
from diffusers import ControlNetModel, DDPMScheduler, StableDiffusionPipeline

from s2i import devices
from s2i.edges import canny
from s2i.encoding import sample_latents
from s2i.objectives import noise_loss
from s2i.pretraining import pictures
from s2i.pretraining.params import Canny, TextToImage
from s2i.pretraining.text_to_image import encoded, tokens_of
from s2i.training import fit


def train(corpus: Path, base: Path, target: Path, settings: Canny, wordings: TextToImage, seed: int) -> None:
    """Train on the corpus and its edge maps, the base frozen; save into ``target`` in diffusers format, bf16."""
    torch.manual_seed(seed)
    device, precision = devices.pick()
    pipeline = StableDiffusionPipeline.from_pretrained(base, torch_dtype=torch.float32).to(device)
    unet, text_encoder = pipeline.unet.requires_grad_(False), pipeline.text_encoder.requires_grad_(False)
    controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=settings.conditioning_channels)
    controlnet.to(memory_format=torch.channels_last)
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    empty = pipeline.tokenizer([""], padding="max_length", return_tensors="pt").input_ids.to(device)
    photos, table = pictures.read(corpus)

    def loss(controlnet, batch, generator):
        count = len(batch["tokens"])
        which = torch.randint(wordings.prompts_per_picture, (count,), generator=generator, device=device)
        silent = torch.rand((count, 1), generator=generator, device=device) < settings.prompt_dropout
        tokens = torch.where(silent, empty, batch["tokens"][torch.arange(count), which])
        with torch.no_grad():
            words = text_encoder(tokens).last_hidden_state
        edges = batch["edges"].float().div(255).expand(-1, 3, -1, -1)

        def predict(noisy_latents, timesteps):
            down, mid = controlnet(noisy_latents, timesteps, words, edges, return_dict=False)
            return unet(
                noisy_latents,
                timesteps,
                words,
                down_block_additional_residuals=down,
                mid_block_additional_residual=mid,
            ).sample

        latents = sample_latents(batch["mean"], batch["logvar"], generator) * pipeline.vae.config.scaling_factor
        return noise_loss(predict, latents, noise_scheduler, generator, settings.snr_gamma)

    columns = encoded(photos, pipeline.vae) | {"tokens": tokens_of(table, pipeline.tokenizer, wordings, seed)}
    fit(
        controlnet,
        loss,
        pictures.Columns(**columns, edges=edge_maps(photos)),
        settings,
        pictures.checkpoints("canny", [corpus, base], [settings, wordings, seed]),
        device=device,
        precision=precision,
        seed=seed,
        description="canny controlnet",
    )
    controlnet.to(torch.bfloat16).save_pretrained(target)


def edge_maps(photos: torch.Tensor) -> torch.Tensor:
    """Canny edges of every picture, then of every mirrored one: (N, 3, H, W) uint8 -> (2N, 1, H, W) uint8."""
    both = torch.cat([photos, photos.flip(-1)]).permute(0, 2, 3, 1).numpy()
    return torch.from_numpy(np.stack([canny(np.ascontiguousarray(photo)) for photo in both])[:, None])
