"""What a student that draws in few steps learns: to give from anywhere on its teacher's path what the path ends in."""

from collections.abc import Callable

import torch
from diffusers import LCMScheduler, SchedulerMixin

from s2i.diffusion import schedulers
from s2i.training.randomness import BatchRandom

HUBER = 0.001  # as Luo et al. have it, for latents of unit variance
Predict = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def consistency_loss(
    student: Predict,
    teacher: Predict,
    latents: torch.Tensor,
    noise_scheduler: SchedulerMixin,
    draws: BatchRandom,
    solver_steps: int,
) -> torch.Tensor:
    """How far the student's answers at two neighbouring places of the teacher's path are apart; a scalar.

    student, teacher: (noisy latents, timesteps) -> prediction of noise or velocity, as the scheduler's prediction_type
    says, the teacher's with guidance.  latents: (B, C, h, w), scaled to unit variance.
    solver_steps: how many steps of DDIM the teacher's path has; each is a place to start from.
    Source: Luo et al. 2023, "Latent consistency models", equation 18 with their Huber loss; Song et al. 2023,
    "Consistency models".
    """
    stride = noise_scheduler.config.num_train_timesteps // solver_steps
    start = (draws.integers(solver_steps, len(latents)) + 1) * stride - 1
    end = (start - stride).clamp(min=0)
    noisy = noise_scheduler.add_noise(latents, draws.normal(latents.shape).to(latents.dtype), start)
    answer = consistent(student(noisy, start), noisy, start, noise_scheduler)
    with torch.no_grad():  # after the student's own answer, or autocast would keep weights that have no gradients
        clean = schedulers.predicted_original(teacher(noisy, start).float(), noisy, start, noise_scheduler)
        nearer = noise_scheduler.add_noise(clean, _noise(noisy, clean, start, noise_scheduler), end)
        target = consistent(student(nearer, end), nearer, end, noise_scheduler)
    return huber(answer, target)


def path_loss(
    student: Predict, noisy: torch.Tensor, timesteps: torch.Tensor, clean: torch.Tensor, noise_scheduler: SchedulerMixin
) -> torch.Tensor:
    """How far the student's answers from places on the teacher's path are from where the path ended; a scalar.

    noisy, clean: (B, C, h, w).  Unlike `consistency_loss` it asks nothing of the student's own answers, so it neither
    drifts nor has to carry what is known near the end of the path step by step to its beginning.
    Source: Yin et al. 2024, "One-step diffusion with distribution matching distillation", the regression loss; Luhman
    and Luhman 2021, "Knowledge distillation in iterative generative models".
    """
    return huber(consistent(student(noisy, timesteps), noisy, timesteps, noise_scheduler), clean)


def huber(answer: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean of the pseudo-Huber distances of Song and Dhariwal 2023, "Improved techniques"; a scalar."""
    return ((answer - target).square() + HUBER**2).sqrt().mean() - HUBER


def consistent(
    prediction: torch.Tensor, noisy: torch.Tensor, timesteps: torch.Tensor, noise_scheduler: SchedulerMixin
) -> torch.Tensor:
    """The latents at the end of the path, as diffusers' LCMScheduler reads them off a prediction; all (B, C, h, w).

    Near the end they are the noisy ones themselves.
    """
    scalings = LCMScheduler().get_scalings_for_boundary_condition_discrete(timesteps)
    skip, out = (share.view(-1, 1, 1, 1) for share in scalings)
    return skip * noisy + out * schedulers.predicted_original(prediction.float(), noisy, timesteps, noise_scheduler)


def _noise(noisy: torch.Tensor, clean: torch.Tensor, timesteps: torch.Tensor, noise_scheduler) -> torch.Tensor:
    """The noise between two latents at a timestep."""
    share = noise_scheduler.alphas_cumprod.to(noisy.device)[timesteps].view(-1, 1, 1, 1)
    return (noisy - share.sqrt() * clean) / (1 - share).sqrt()
