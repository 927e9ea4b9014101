"""The embedded AutoencoderKL: eightfold smaller latents of few channels, trained on random crops in two parts.

First with many latent channels, quickly and for colour; then whitened, cut to its strongest channels and trained on
until what it decodes is crisp.  Measured on 64 held-out renders at 256 px: four channels from the start learn colours
last and stay smeared, cut from sixteen they are as crisp as eight after 20 minutes.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional as F

from s2i.core import devices
from s2i.diffusion.encoding import encode_images
from s2i.embedded.pretraining import renders, stopwatch
from s2i.embedded.pretraining.discriminator import WithDiscriminator, crisp_loss
from s2i.embedded.pretraining.latent_space import keep_strongest, whiten
from s2i.embedded.pretraining.params import Autoencoder, CrispAutoencoding
from s2i.embedded.pretraining.stopwatch import Stopwatch
from s2i.imaging import tensors
from s2i.networks import lpips
from s2i.networks.st_lpips import ShiftTolerantLPIPS
from s2i.training.loop import fit
from s2i.training.optimizers import make_optimizer
from s2i.training.randomness import BatchRandom
from s2i.training.run import Loss, Run

WHITENED_ON = 256  # images


def build(settings: Autoencoder, latent_channels: int, resolution: int) -> AutoencoderKL:
    """A fresh autoencoder; no attention, so that what it learns on crops holds on whole images."""
    depth = len(settings.channels)
    return AutoencoderKL(
        block_out_channels=settings.channels,
        down_block_types=["DownEncoderBlock2D"] * depth,
        up_block_types=["UpDecoderBlock2D"] * depth,
        layers_per_block=1,
        latent_channels=latent_channels,
        norm_num_groups=settings.norm_groups,
        sample_size=resolution,
        mid_block_add_attention=False,
    )


def train(corpus: Path, target: Path, settings: Autoencoder, resolution: int, seed: int) -> None:
    """Train on the corpus and save the autoencoder, in bf16, into ``target`` in diffusers format, with its hours."""
    torch.manual_seed(seed)
    photos, _ = renders.read(corpus)
    wide = build(settings, settings.wide_latent_channels, resolution).to(memory_format=torch.channels_last)
    checkpoints = renders.checkpoints(__name__, "autoencoder", [corpus], [settings, resolution, seed])
    examples = renders.Columns(photo=photos)
    first = Run(wide, _reconstruction_loss(settings), examples, settings, checkpoints / "wide", *devices.pick())
    fit(replace(first, seed=seed, description="autoencoder", log=Stopwatch(first.checkpoints)))
    whiten(wide, encode_images(wide, photos[:WHITENED_ON])[0], settings.whitening_floor)

    model = WithDiscriminator(keep_strongest(wide, settings.latent_channels).to(memory_format=torch.channels_last))
    crisp = settings.crisp
    second = Run(model, _crisp_loss(crisp), examples, crisp, checkpoints / "crisp", *devices.pick())
    fit(
        replace(
            second,
            seed=seed,
            description="crisp autoencoder",
            log=Stopwatch(second.checkpoints),
            make_optimizer=partial(make_optimizer, rate_of=crisp.rate_of),
        )
    )
    whiten(model.vae, encode_images(model.vae, photos[:WHITENED_ON])[0], settings.whitening_floor)
    model.vae.to(torch.bfloat16).save_pretrained(target)
    stopwatch.write_hours(target, [first.checkpoints, second.checkpoints])


def _reconstruction_loss(settings: Autoencoder) -> Loss:
    """L1 and, in a share of the steps, shift-tolerant LPIPS of crops decoded from latents with a little noise."""
    device, _ = devices.pick()
    perceptual = ShiftTolerantLPIPS.load().to(device)

    def loss(vae: AutoencoderKL, batch: dict[str, Tensor], rng: BatchRandom) -> Tensor:
        target = tensors.to_unit_range(crop_and_flip(batch["photo"], settings.crop, rng))
        posterior = vae.encode(target.to(memory_format=torch.channels_last)).latent_dist
        decoded = vae.decode(posterior.mean + posterior.std * rng.normal(posterior.mean.shape)).sample
        value = F.l1_loss(decoded, target)
        if rng.uniform(()) < settings.perceptual_share:
            value = value + settings.perceptual_weight * perceptual(decoded, target).mean()
        return value + settings.kl_weight * posterior.kl().mean()

    return loss


def _crisp_loss(settings: CrispAutoencoding) -> Loss:
    """`crisp_loss` of crops decoded from latents with noise; in every other step half the size beside it.

    Half the size: what the latents reduced to a half decode to, against the image reduced to a half, which keeps
    latents as smooth as images.  Source: Skorokhodov et al., "Improving the diffusability of autoencoders", ICML 2025.
    """
    device, _ = devices.pick()
    perceptual = lpips.load("alex", device)

    def loss(model: WithDiscriminator, batch: dict[str, Tensor], rng: BatchRandom) -> Tensor:
        target = tensors.to_unit_range(crop_and_flip(batch["photo"], settings.crop, rng))
        latents = model.vae.encode(target.to(memory_format=torch.channels_last)).latent_dist.mean
        spread = latents.detach().std(dim=(0, 2, 3), keepdim=True)
        amount = settings.latent_noise * rng.uniform((len(latents), 1, 1, 1))
        decoded = model.vae.decode(latents + amount * spread * rng.normal(latents.shape)).sample
        last_layer = model.vae.decoder.conv_out.weight
        value = crisp_loss(decoded, target, perceptual, model.discriminator, last_layer, settings, rng)
        value = value + settings.latent_weight * latents.square().mean()
        if (rng.step or 0) % 2 == 0:
            halved = model.vae.decode(F.avg_pool2d(latents, 2)).sample
            value = value + settings.halved_weight * F.l1_loss(halved, F.avg_pool2d(target, 2))
        return value

    return loss


def crop_and_flip(photos: Tensor, size: int, rng: BatchRandom) -> Tensor:
    """Random crops, one place an image, half of them mirrored.  (B, C, H, W) -> (B, C, size, size)."""
    height, width = photos.shape[-2:]
    tops = rng.integers(height - size + 1, len(photos)).tolist()
    lefts = rng.integers(width - size + 1, len(photos)).tolist()
    crops = [photo[:, y : y + size, x : x + size] for photo, y, x in zip(photos, tops, lefts, strict=True)]
    mirrored = rng.uniform((len(photos),)) < 0.5
    return torch.stack([crop.flip(-1) if flip else crop for crop, flip in zip(crops, mirrored, strict=True)])
