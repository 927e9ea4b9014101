"""What a student of few steps learns: to give, from anywhere on its teacher's trajectory, the end of the trajectory.

A trajectory is the way of noisy latents to latents without noise, as the teacher's sampler takes it.
"""

import torch
from diffusers import LCMScheduler, SchedulerMixin
from torch import Tensor

from s2i.diffusion import schedulers
from s2i.training.losses import Predict
from s2i.training.randomness import BatchRandom

HUBER = 0.001  # as Luo et al. have it, for latents of unit variance


def consistency_loss(
    student: Predict,
    teacher: Predict,
    latents: Tensor,
    noise_scheduler: SchedulerMixin,
    rng: BatchRandom,
    solver_steps: int,
) -> Tensor:
    """How far apart the ends are that the student sees from two neighbouring points of a trajectory; a scalar.

    student, teacher: the model output for noisy latents and timesteps, the teacher's with guidance: noise or velocity,
    as the scheduler's prediction_type says.  latents: (B, C, h, w), scaled to unit variance.
    solver_steps: how many steps of DDIM the teacher's trajectory has; it may be entered at each.
    Source: Luo et al. 2023, "Latent consistency models", equation 18 with their Huber loss; Song et al. 2023,
    "Consistency models".
    """
    stride = noise_scheduler.config.num_train_timesteps // solver_steps
    start = (rng.integers(solver_steps, len(latents)) + 1) * stride - 1
    end = (start - stride).clamp(min=0)
    noisy = noise_scheduler.add_noise(latents, rng.normal(latents.shape).to(latents.dtype), start)
    from_start = trajectory_end(student(noisy, start), noisy, start, noise_scheduler)
    with torch.no_grad():  # after the student's own output, or autocast would keep weights that have no gradients
        original = schedulers.predicted_original(teacher(noisy, start).float(), noisy, start, noise_scheduler)
        less_noisy = noise_scheduler.add_noise(original, noise_between(noisy, original, start, noise_scheduler), end)
        from_end = trajectory_end(student(less_noisy, end), less_noisy, end, noise_scheduler)
    return huber(from_start, from_end)


def trajectory_loss(
    student: Predict, noisy: Tensor, timesteps: Tensor, clean: Tensor, noise_scheduler: SchedulerMixin
) -> Tensor:
    """How far from the end of the teacher's trajectory the student sees it from a point on it; a scalar.

    noisy: the point, clean: the end, both (B, C, h, w).  Unlike `consistency_loss` it asks nothing of the student's
    own outputs, so it neither drifts nor has to carry what is known near the end step by step to the beginning.
    Source: Yin et al. 2024, "One-step diffusion with distribution matching distillation", the regression loss; Luhman
    and Luhman 2021, "Knowledge distillation in iterative generative models".
    """
    return huber(trajectory_end(student(noisy, timesteps), noisy, timesteps, noise_scheduler), clean)


def huber(output: Tensor, target: Tensor) -> Tensor:
    """The mean of the pseudo-Huber distances of Song and Dhariwal 2023, "Improved techniques"; a scalar."""
    return ((output - target).square() + HUBER**2).sqrt().mean() - HUBER


def trajectory_end(model_output: Tensor, noisy: Tensor, timesteps: Tensor, noise_scheduler: SchedulerMixin) -> Tensor:
    """The latents at the end of the trajectory, as diffusers' LCMScheduler reads them off a model output.

    All are (B, C, h, w) but the timesteps (B,).  Near the end they are the noisy latents themselves.
    """
    scalings = LCMScheduler().get_scalings_for_boundary_condition_discrete(timesteps)
    skip, out = (scaling.view(-1, 1, 1, 1) for scaling in scalings)
    original = schedulers.predicted_original(model_output.float(), noisy, timesteps, noise_scheduler)
    end: Tensor = skip * noisy + out * original
    return end


def noise_between(noisy: Tensor, clean: Tensor, timesteps: Tensor, noise_scheduler: SchedulerMixin) -> Tensor:
    """The noise that makes ``noisy`` of ``clean`` at the timesteps; all (B, C, h, w) but these, (B,)."""
    signal: Tensor = noise_scheduler.alphas_cumprod.to(noisy.device)[timesteps].view(-1, 1, 1, 1)
    return (noisy - signal.sqrt() * clean) / (1 - signal).sqrt()
