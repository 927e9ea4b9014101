"""What training minimises: pure functions of tensors."""

from collections.abc import Callable

import torch
from diffusers import SchedulerMixin
from diffusers.training_utils import compute_snr
from torch.nn import functional as F

from s2i.diffusion.schedulers import predicted_original
from s2i.training.randomness import BatchRandom


def noise_loss(
    predict: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    latents: torch.Tensor,
    noise_scheduler: SchedulerMixin,
    draws: BatchRandom,
    snr_gamma: float | None = None,
    weights: torch.Tensor | None = None,
    reward: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] | None = None,
    below: int = 0,
) -> torch.Tensor:
    """Mean squared error of the predicted noise (or velocity, as the scheduler's prediction_type says); a scalar.

    predict(noisy_latents, timesteps) -> prediction.  latents: (B, C, h, w), scaled to unit variance.
    snr_gamma: weigh timesteps by min(SNR, gamma) / SNR (Hang et al. 2023, "Min-SNR weighting"); None weighs them alike.
    weights: how much each place counts, (B, 1, h, w), at least 0; each image counts as much as any other.
    reward(denoised, latents) -> (N,): a further loss of what the prediction says the latents are, for the N of them
    whose timestep lies under ``below``; the others cost nothing more.
    Source: Ho et al. 2020, "Denoising diffusion probabilistic models", L_simple.
    """
    noise = draws.normal(latents.shape).to(latents.dtype)
    timesteps = draws.integers(noise_scheduler.config.num_train_timesteps, len(latents))
    noisy = noise_scheduler.add_noise(latents, noise, timesteps)
    prediction = predict(noisy, timesteps).float()
    velocity = noise_scheduler.config.prediction_type == "v_prediction"
    target = noise_scheduler.get_velocity(latents, noise, timesteps) if velocity else noise
    losses = F.mse_loss(prediction, target.float(), reduction="none")
    if weights is not None:
        losses = losses * weights / weights.mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    losses = losses.mean(dim=(1, 2, 3))
    if snr_gamma is not None:
        snr = compute_snr(noise_scheduler, timesteps)
        losses = losses * snr.clamp(max=snr_gamma) / (snr + velocity)
    seen = timesteps < below
    if reward and seen.any():
        estimate = predicted_original(prediction[seen], noisy[seen], timesteps[seen], noise_scheduler)
        losses = losses.index_add(0, seen.nonzero().flatten(), reward(estimate, latents[seen]))
    return losses.mean()


def sample_latents(mean: torch.Tensor, logvar: torch.Tensor, draws: BatchRandom) -> torch.Tensor:
    """Latents drawn from what `encode_images` gives, not yet scaled; same shape."""
    return mean + (0.5 * logvar).exp() * draws.normal(mean.shape)
