"""What a generated image's edges and windows miss of the target's, as a loss."""

from collections.abc import Callable

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional as F

from s2i.core.params import EdgeLoss
from s2i.networks import lpips
from s2i.networks.st_lpips import ShiftTolerantLPIPS
from s2i.networks.window_counter import WindowDensity

SCALES = 3  # that edges are compared at
CONTRAST = 0.1  # slope, of black to white in a pixel, that is half an edge


def edge_loss(vae: AutoencoderKL, settings: EdgeLoss) -> Callable[[Tensor, Tensor], Tensor]:
    """A function of generated and target latents (B, C, h, w), scaled, to a loss (B,), at least 0.

    It is ``settings.weight`` times the sum of the distance of their edges, by ``settings.distance``, and
    ``settings.windows`` times the difference of their window counts.  Both are decoded, so that what the autoencoder
    loses counts for neither.
    Raises UserError when the window counter, or the weights of the distance, cannot be had.
    Source: the reward on a one-step estimate is that of Li et al. 2024, "ControlNet++".
    """
    distance = edge_distance(settings.distance, vae.device)
    counter = WindowDensity.load(settings.counter).to(vae.device)

    def decode(latents: Tensor) -> Tensor:
        """Images (B, 3, H, W) in [-1, 1]."""
        images: Tensor = vae.decode(latents / vae.config.scaling_factor).sample.float().clamp(-1, 1)
        return images

    def loss(generated_latents: Tensor, target_latents: Tensor) -> Tensor:
        with torch.no_grad():
            target = decode(target_latents)
        generated = decode(generated_latents)
        with torch.autocast(vae.device.type, enabled=False):  # distances and counts need their digits
            missed: Tensor = distance(soft_edges(generated), soft_edges(target))
            if settings.windows:
                missed = missed + settings.windows * (counter.count(generated) - counter.count(target)).abs()
        return settings.weight * missed

    return loss


def edge_distance(name: str, device: torch.device) -> Callable[[Tensor, Tensor], Tensor]:
    """A distance of edges (B, 3, H, W) in [-1, 1] -> (B,), by its name in `EdgeLoss.distance`.

    Raises UserError when the weights of a network cannot be had.
    """
    if name == "st_lpips":
        return ShiftTolerantLPIPS.load().to(device)
    return lpips.load("alex", device) if name == "lpips" else multiscale_l1


def multiscale_l1(generated: Tensor, target: Tensor) -> Tensor:
    """The mean absolute difference of images (B, C, H, W) at `SCALES` scales, each half as large; (B,).

    At full size edges a pixel off count in full; at small size it shows how far off they are.
    """
    distances = torch.zeros(len(generated), device=generated.device)
    for scale in range(SCALES):
        if scale:
            generated, target = F.avg_pool2d(generated, 2), F.avg_pool2d(target, 2)
        distances = distances + (generated - target).abs().mean(dim=(1, 2, 3)) / SCALES
    return distances


def soft_edges(images: Tensor) -> Tensor:
    """Where lightness changes, without a threshold's jump: (B, 3, H, W) in [-1, 1] -> the same, 1 on edges, -1 off.

    Source: the slope is that of Sobel's operator of 5 x 5.
    """
    smooth, slope = (torch.tensor(row, device=images.device) / 16 for row in ([1.0, 4, 6, 4, 1], [-2.0, -4, 0, 4, 2]))
    across = torch.outer(smooth, slope)
    lightness = images.float().mean(dim=1, keepdim=True) / 2
    padded = F.pad(lightness, (2, 2, 2, 2), mode="reflect")
    squared = F.conv2d(padded, torch.stack([across, across.T])[:, None]).square().sum(dim=1, keepdim=True)
    return (2 * squared / (squared + CONTRAST**2) - 1).expand(-1, 3, -1, -1)
