"""Latents, and the noise that leads from them elsewhere."""

import torch

LATENTS = torch.randn(16, 4, 8, 8, generator=torch.Generator().manual_seed(7))


def noise_of(scheduler, noisy, timesteps):
    """The noise that leads from LATENTS to noisy."""
    signal = scheduler.alphas_cumprod[timesteps].view(-1, 1, 1, 1)
    return (noisy - signal.sqrt() * LATENTS) / (1 - signal).sqrt()
