"""The embedded AutoencoderKL: eightfold smaller latents, trained on random crops."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch.nn import functional as F

from s2i import devices
from s2i.metrics.perceptual import ShiftTolerantLPIPS
from s2i.pretraining import pictures
from s2i.pretraining.params import Autoencoder
from s2i.training import fit


def build(settings: Autoencoder, resolution: int) -> AutoencoderKL:
    """A fresh autoencoder; no attention, so that what it learns on crops holds on whole pictures."""
    depth = len(settings.channels)
    return AutoencoderKL(
        block_out_channels=settings.channels,
        down_block_types=["DownEncoderBlock2D"] * depth,
        up_block_types=["UpDecoderBlock2D"] * depth,
        layers_per_block=1,
        latent_channels=settings.latent_channels,
        norm_num_groups=settings.norm_groups,
        sample_size=resolution,
        mid_block_add_attention=False,
    )


def train(corpus: Path, target: Path, settings: Autoencoder, resolution: int, seed: int) -> None:
    """Train on the corpus and save into ``target`` in diffusers format, latents scaled to unit variance."""
    torch.manual_seed(seed)
    device, precision = devices.pick()
    photos, _ = pictures.read(corpus)
    vae = build(settings, resolution).to(memory_format=torch.channels_last)
    perceptual = ShiftTolerantLPIPS.load().to(device)

    def loss(vae, batch, generator):
        target = pictures.unit(crop_and_flip(batch["photo"], settings.crop, generator))
        posterior = vae.encode(target.to(memory_format=torch.channels_last)).latent_dist
        decoded = vae.decode(posterior.sample(generator)).sample
        value = F.l1_loss(decoded, target)
        if torch.rand((), generator=generator, device=device) < settings.perceptual_share:
            value = value + settings.perceptual_weight * perceptual(decoded, target).mean()
        return value + settings.kl_weight * posterior.kl().mean()

    fit(
        vae,
        loss,
        pictures.Columns(photo=photos),
        settings,
        pictures.checkpoints("autoencoder", [corpus], [settings, resolution, seed]),
        device=device,
        precision=precision,
        seed=seed,
        description="autoencoder",
    )
    with torch.no_grad():
        latents = vae.encode(pictures.unit(photos[:256]).to(device)).latent_dist.mean
    vae.register_to_config(scaling_factor=round(1 / latents.std().item(), 5))
    vae.to(torch.bfloat16).save_pretrained(target)


def crop_and_flip(photos: torch.Tensor, size: int, generator: torch.Generator) -> torch.Tensor:
    """Random crops, one place a picture, half of them mirrored.  (B, C, H, W) -> (B, C, size, size)."""
    height, width = photos.shape[-2:]
    tops = torch.randint(height - size + 1, (len(photos),), generator=generator, device=generator.device).tolist()
    lefts = torch.randint(width - size + 1, (len(photos),), generator=generator, device=generator.device).tolist()
    crops = [photo[:, y : y + size, x : x + size] for photo, y, x in zip(photos, tops, lefts, strict=True)]
    mirrored = torch.rand(len(photos), generator=generator, device=generator.device) < 0.5
    return torch.stack([crop.flip(-1) if flip else crop for crop, flip in zip(crops, mirrored, strict=True)])
