"""What training minimises: pure functions of tensors."""

from collections.abc import Callable
from typing import NamedTuple

from diffusers import SchedulerMixin
from diffusers.training_utils import compute_snr
from torch import Tensor
from torch.nn import functional as F

from s2i.diffusion.schedulers import predicted_original
from s2i.training.randomness import BatchRandom

Predict = Callable[[Tensor, Tensor], Tensor]  # noisy latents (B, C, h, w), timesteps (B,) -> model output (B, C, h, w)


class OriginalLoss(NamedTuple):
    """A loss of the latents without noise that a model output points to, which says less the more noise there is.

    function(predicted_original, latents): both (N, C, h, w) -> (N,), for the N examples whose timestep lies under
    ``max_timestep``; each counts by the share of the signal in its variance, alpha-bar, the others not at all.
    """

    function: Callable[[Tensor, Tensor], Tensor]
    max_timestep: int


def noise_loss(
    predict: Predict,
    latents: Tensor,
    noise_scheduler: SchedulerMixin,
    rng: BatchRandom,
    snr_gamma: float | None = None,
    weights: Tensor | None = None,
    original_loss: OriginalLoss | None = None,
) -> Tensor:
    """Mean squared error of the predicted noise (or velocity, as the scheduler's prediction_type says); a scalar.

    predict: the model output for noisy latents and timesteps.  latents: (B, C, h, w), scaled to unit variance.
    snr_gamma: weigh timesteps by min(SNR, gamma) / SNR, for velocities by min(SNR, gamma) / (SNR + 1) (Hang et al.
    2023, "Efficient diffusion training via min-SNR weighting strategy"); None weighs them alike.
    weights: how much each pixel of the latents counts, (B, 1, h, w), at least 0; each image counts as much as any
    other.
    original_loss: added to the error of the examples that it is for.
    Source: Ho et al. 2020, "Denoising diffusion probabilistic models", L_simple.
    """
    # Noise
    noise = rng.normal(latents.shape).to(latents.dtype)
    timesteps = rng.integers(noise_scheduler.config.num_train_timesteps, len(latents))
    noisy_latents = noise_scheduler.add_noise(latents, noise, timesteps)

    # Prediction
    model_output = predict(noisy_latents, timesteps).float()
    is_velocity = noise_scheduler.config.prediction_type == "v_prediction"
    target = noise_scheduler.get_velocity(latents, noise, timesteps) if is_velocity else noise

    # Loss
    losses = F.mse_loss(model_output, target.float(), reduction="none")
    if weights is not None:
        losses = losses * weights / weights.mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    losses = losses.mean(dim=(1, 2, 3))
    if snr_gamma is not None:
        snr = compute_snr(noise_scheduler, timesteps)
        losses = losses * snr.clamp(max=snr_gamma) / (snr + is_velocity)
    if original_loss and (chosen := timesteps < original_loss.max_timestep).any():
        original = predicted_original(model_output[chosen], noisy_latents[chosen], timesteps[chosen], noise_scheduler)
        signal = noise_scheduler.alphas_cumprod.to(timesteps.device)[timesteps[chosen]]
        further = signal * original_loss.function(original, latents[chosen])
        losses = losses.index_add(0, chosen.nonzero().flatten(), further)
    return losses.mean()


def sample_latents(mean: Tensor, logvar: Tensor, rng: BatchRandom) -> Tensor:
    """Latents drawn from what `encode_images` gives, not yet scaled; same shape."""
    return mean + (0.5 * logvar).exp() * rng.normal(mean.shape)
