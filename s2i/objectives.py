"""What training minimises: pure functions of tensors."""

from collections.abc import Callable

import torch
from diffusers import SchedulerMixin
from diffusers.training_utils import compute_snr
from torch.nn import functional as F

from s2i.draws import Draws


def noise_loss(
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    latents: torch.Tensor,
    noise_scheduler: SchedulerMixin,
    draws: Draws,
    snr_gamma: float | None = None,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean squared error of the predicted noise (or velocity, as the scheduler's prediction_type says); a scalar.

    predict(noisy_latents, timesteps) -> prediction.  latents: (B, C, h, w), scaled to unit variance.
    snr_gamma: weigh timesteps by min(SNR, gamma) / SNR (Hang et al. 2023, "Min-SNR weighting"); None weighs them alike.
    weights: how much each place counts, (B, 1, h, w), at least 0; each picture counts as much as any other.
    Source: Ho et al. 2020, "Denoising diffusion probabilistic models", L_simple.
    """
    noise = draws.normal(latents.shape).to(latents.dtype)
    timesteps = draws.integers(noise_scheduler.config.num_train_timesteps, len(latents))
    prediction = predict(noise_scheduler.add_noise(latents, noise, timesteps), timesteps).float()
    velocity = noise_scheduler.config.prediction_type == "v_prediction"
    target = noise_scheduler.get_velocity(latents, noise, timesteps) if velocity else noise
    losses = F.mse_loss(prediction, target.float(), reduction="none")
    if weights is not None:
        losses = losses * weights / weights.mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    losses = losses.mean(dim=(1, 2, 3))
    if snr_gamma is None:
        return losses.mean()
    snr = compute_snr(noise_scheduler, timesteps)
    return (losses * snr.clamp(max=snr_gamma) / (snr + velocity)).mean()
