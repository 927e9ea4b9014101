"""The embedded AutoencoderKL: eightfold smaller latents, trained on random crops."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch.nn import functional as F

from s2i.core import devices
from s2i.diffusion.encoding import encode_images
from s2i.embedded.pretraining import renders
from s2i.embedded.pretraining.params import Autoencoder
from s2i.imaging import tensors
from s2i.networks.st_lpips import ShiftTolerantLPIPS
from s2i.training.loop import fit
from s2i.training.randomness import BatchRandom
from s2i.training.run import Run

SURE = -30.0  # the least logarithm of a variance that diffusers' posterior knows


def build(settings: Autoencoder, resolution: int) -> AutoencoderKL:
    """A fresh autoencoder; no attention, so that what it learns on crops holds on whole images."""
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
    """Train on the corpus, whiten the latents, train the decoder on alone; save into ``target`` in diffusers format."""
    torch.manual_seed(seed)
    photos, _ = renders.read(corpus)
    vae = build(settings, resolution).to(memory_format=torch.channels_last)
    inputs = [settings, resolution, seed]
    fit_on_crops(
        vae, photos, settings, renders.checkpoints(__name__, "autoencoder", [corpus], inputs), seed, "autoencoder"
    )
    whiten(vae, encode_images(vae, photos[:256])[0], settings.whitening_floor)
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    alone = settings.model_copy(update={"steps": settings.decoder_steps})
    fit_on_crops(vae, photos, alone, renders.checkpoints(__name__, "decoder", [corpus], inputs), seed, "decoder")
    vae.to(torch.bfloat16).save_pretrained(target)


def fit_on_crops(
    vae: AutoencoderKL, photos: torch.Tensor, settings: Autoencoder, checkpoints: Path, seed: int, description: str
) -> None:
    """Train what of ``vae`` requires gradients to give crops of photos (N, 3, H, W) uint8 back."""
    device, precision = devices.pick()
    perceptual = ShiftTolerantLPIPS.load().to(device)

    def loss(vae, batch, draws):
        target = tensors.to_unit_range(crop_and_flip(batch["photo"], settings.crop, draws))
        posterior = vae.encode(target.to(memory_format=torch.channels_last)).latent_dist
        decoded = vae.decode(posterior.mean + posterior.std * draws.normal(posterior.mean.shape)).sample
        value = F.l1_loss(decoded, target)
        if draws.uniform(()) < settings.perceptual_share:
            value = value + settings.perceptual_weight * perceptual(decoded, target).mean()
        return value + settings.kl_weight * posterior.kl().mean()

    fit(
        Run(
            vae,
            loss,
            renders.Columns(photo=photos),
            settings,
            checkpoints,
            device=device,
            precision=precision,
            seed=seed,
            description=description,
        )
    )


@torch.no_grad()
def whiten(vae: AutoencoderKL, latents: torch.Tensor, floor: float) -> None:
    """Turn the latent space in place: channels uncorrelated, of variance near 1, and every image decoded as before.

    An autoencoder keeps hue in directions a thousand times weaker than lightness, and noise hides those from whatever
    learns to draw latents.  The posterior shrinks to its mean, as its noise, turned, would be the same in no two
    directions.  latents: means it gives, (N, C, h, w).  floor: directions whose variance is a smaller share of the
    average than this stay weaker, since they hold little.
    """
    rows = latents.movedim(1, -1).flatten(0, -2).double()
    center = rows.mean(dim=0)
    variances, directions = torch.linalg.eigh(torch.cov((rows - center).T))
    strengths = (variances + floor * variances.mean()).rsqrt()
    turn, back = strengths[:, None] * directions.T, directions / strengths

    quantise, channels = vae.quant_conv, len(center)
    weight, bias = quantise.weight[:channels, :, 0, 0].double(), quantise.bias[:channels].double()
    quantise.weight[:channels, :, 0, 0] = (turn @ weight).to(quantise.weight)
    quantise.bias[:channels] = (turn @ (bias - center)).to(quantise.bias)
    quantise.weight[channels:], quantise.bias[channels:] = 0, SURE
    decode = vae.post_quant_conv
    weight = decode.weight[:, :, 0, 0].double()
    decode.bias += (weight @ center).to(decode.bias)
    decode.weight[:, :, 0, 0] = (weight @ back).to(decode.weight)
    vae.register_to_config(scaling_factor=1.0)


def crop_and_flip(photos: torch.Tensor, size: int, draws: BatchRandom) -> torch.Tensor:
    """Random crops, one place an image, half of them mirrored.  (B, C, H, W) -> (B, C, size, size)."""
    height, width = photos.shape[-2:]
    tops = draws.integers(height - size + 1, len(photos)).tolist()
    lefts = draws.integers(width - size + 1, len(photos)).tolist()
    crops = [photo[:, y : y + size, x : x + size] for photo, y, x in zip(photos, tops, lefts, strict=True)]
    mirrored = draws.uniform((len(photos),)) < 0.5
    return torch.stack([crop.flip(-1) if flip else crop for crop, flip in zip(crops, mirrored, strict=True)])
