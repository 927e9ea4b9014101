"""A small network that tells decoded patches from real ones, which makes an autoencoder decode crisp images."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

from s2i.embedded.pretraining.params import CrispDecoding
from s2i.training.randomness import BatchRandom

MAX_RATIO = 10.0  # how much stronger the adversarial gradient may be made than it is


class PatchDiscriminator(nn.Module):
    """(B, 3, H, W) in [-1, 1] -> logits (B, 1, H/8 - 1, W/8 - 1), above 0 for what looks real.

    Source: Isola et al., "Image-to-image translation with conditional adversarial networks", CVPR 2017, with the
    spectral normalisation of Miyato et al., ICLR 2018.
    """

    def __init__(self, channels: tuple[int, ...] = (32, 64, 128)):
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((3, *channels[:-1]), channels, strict=True):
            layers += [spectral_norm(nn.Conv2d(before, after, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(channels[-1], 1, 4, padding=1)))

    def forward(self, images: Tensor) -> Tensor:
        return self.layers(images)


class WithDiscriminator(nn.Module):
    """An autoencoder and the discriminator that it is trained against, as one module with one optimiser."""

    vae: Any  # AutoencoderKL or AutoencoderTiny

    def __init__(self, vae: nn.Module):
        super().__init__()
        self.vae, self.discriminator = vae, PatchDiscriminator()


def discriminator_loss(discriminator: nn.Module, real: Tensor, decoded: Tensor) -> Tensor:
    """Hinge loss of the discriminator alone; a scalar, 0 when it is sure by a margin of 1.

    real, decoded: (B, 3, H, W) in [-1, 1].  Source: Lim and Ye, "Geometric GAN", 2017.
    """
    return F.relu(1 - discriminator(real)).mean() + F.relu(1 + discriminator(decoded.detach())).mean()


def adversarial_loss(discriminator: nn.Module, decoded: Tensor, other_loss: Tensor, last_layer: Tensor) -> Tensor:
    """How sure the discriminator is that images were decoded, as strong in the last layer as the other losses are.

    decoded: (B, 3, H, W) in [-1, 1].  No gradient reaches the discriminator.  last_layer: weights that both losses
    depend on.  Source: Esser et al., "Taming transformers for high-resolution image synthesis", CVPR 2021, equation 7.
    """
    held = {name: parameter.detach() for name, parameter in discriminator.named_parameters()}
    loss = -functional_call(discriminator, held, (decoded,)).mean()
    (wanted,) = torch.autograd.grad(other_loss, last_layer, retain_graph=True)
    (present,) = torch.autograd.grad(loss, last_layer, retain_graph=True)
    ratio = wanted.norm() / (present.norm() + 1e-4)
    return ratio.clamp(max=MAX_RATIO).detach() * loss


def crisp_loss(
    decoded: Tensor,
    target: Tensor,
    lpips: Callable[[Tensor, Tensor], Tensor],
    discriminator: nn.Module,
    last_layer: Tensor,
    settings: CrispDecoding,
    rng: BatchRandom,
) -> Tensor:
    """L1, in every other step LPIPS, and from some step on the discriminator's part and its own loss; a scalar.

    decoded, target: (B, 3, H, W) in [-1, 1].  last_layer: the weights of the last convolution before ``decoded``.
    """
    value = F.l1_loss(decoded, target)
    step = rng.step or 0
    if step % 2:
        value = value + settings.lpips_weight * lpips(decoded, target).mean()
    ramp = min(1.0, (step - settings.adversary_from) / settings.adversary_ramp)
    if ramp <= 0:
        return value
    against = adversarial_loss(discriminator, decoded, value, last_layer)
    return value + settings.adversary_weight * ramp * against + discriminator_loss(discriminator, target, decoded)
