"""The embedded AutoencoderTiny: decodes the same latents as the autoencoder in a fraction of the time.

Source: the architecture of madebyollin's TAESD as diffusers has it.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from torch import Tensor
from torch.nn import functional as F

from s2i.core import devices
from s2i.embedded.pretraining import renders, stopwatch
from s2i.embedded.pretraining.autoencoder import crop_and_flip
from s2i.embedded.pretraining.discriminator import WithDiscriminator, crisp_loss
from s2i.embedded.pretraining.params import TinyDecoder
from s2i.embedded.pretraining.stopwatch import Stopwatch
from s2i.imaging import tensors
from s2i.networks import lpips
from s2i.training.loop import fit
from s2i.training.optimizers import make_optimizer
from s2i.training.randomness import BatchRandom
from s2i.training.run import Run


def build(settings: TinyDecoder, latent_channels: int) -> AutoencoderTiny:
    """A fresh AutoencoderTiny for latents scaled as diffusers' pipelines scale them."""
    widths = (settings.width,) * len(settings.blocks)
    return AutoencoderTiny(
        latent_channels=latent_channels,
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=tuple(reversed(settings.blocks)),
        num_decoder_blocks=tuple(settings.blocks),
    )


def train(corpus: Path, autoencoder: Path, target: Path, settings: TinyDecoder, seed: int) -> None:
    """Train on the corpus to decode, and to encode, as ``autoencoder`` does; save into ``target`` in bf16."""
    torch.manual_seed(seed)
    device, precision = devices.pick()
    photos, _ = renders.read(corpus)
    teacher = AutoencoderKL.from_pretrained(autoencoder, torch_dtype=torch.float32).to(device).requires_grad_(False)
    perceptual = lpips.load("alex", device)
    tiny = build(settings, teacher.config.latent_channels)

    def loss(model: WithDiscriminator, batch: dict[str, Tensor], rng: BatchRandom) -> Tensor:
        target = tensors.to_unit_range(crop_and_flip(batch["photo"], settings.crop, rng))
        latents = teacher.encode(target).latent_dist.mean * teacher.config.scaling_factor
        noise = settings.latent_noise * rng.uniform((len(latents), 1, 1, 1)) * rng.normal(latents.shape)
        decoded = model.vae.decode(latents + noise).sample
        last_layer = model.vae.decoder.layers[-1].weight
        value = crisp_loss(decoded, target, perceptual, model.discriminator, last_layer, settings, rng)
        return value + F.mse_loss(model.vae.encode(target).latents, latents)

    checkpoints = renders.checkpoints(__name__, "tiny decoder", [corpus, autoencoder], [settings, seed])
    run = Run(WithDiscriminator(tiny), loss, renders.Columns(photo=photos), settings, checkpoints, device, precision)
    optimizer = partial(make_optimizer, rate_of=settings.rate_of)
    fit(replace(run, seed=seed, description="tiny decoder", log=Stopwatch(checkpoints), make_optimizer=optimizer))
    tiny.to(torch.bfloat16).save_pretrained(target)
    stopwatch.write_hours(target, [checkpoints])
