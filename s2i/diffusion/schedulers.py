"""Noise schedulers by name, each set up as the base was trained."""

from inspect import signature
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    SchedulerMixin,
    UniPCMultistepScheduler,
)

from s2i.core.errors import UserError, first_line, hint

# Latents are no images: they are not clipped to [-1, 1], and the last step of DDIM goes as far as Stable Diffusion's.
SCHEDULERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "ddim": (DDIMScheduler, {"clip_sample": False, "set_alpha_to_one": False}),
    "dpm-solver++": (DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++"}),
    "unipc": (UniPCMultistepScheduler, {}),
    "euler": (EulerDiscreteScheduler, {}),
    "lcm": (LCMScheduler, {"clip_sample": False}),
}


def make_scheduler(
    base_scheduler: SchedulerMixin, name: str | None, num_inference_steps: int, device: str | torch.device = "cpu"
) -> SchedulerMixin:
    """A scheduler by its name, with its timesteps set; None is the kind that the base has.

    Betas and prediction_type are those of ``base_scheduler``, which is not changed.
    Raises UserError when there is no such scheduler, or it cannot take so many steps.
    """
    if name is not None and name not in SCHEDULERS:
        raise UserError(f"scheduler is '{name}', which does not exist; {hint(name, SCHEDULERS)}")
    kind, changes = (type(base_scheduler), {}) if name is None else SCHEDULERS[name]
    parameters = signature(kind.__init__).parameters
    config = {key: value for key, value in base_scheduler.config.items() if key in parameters}
    scheduler = kind.from_config(config, **changes)
    try:
        scheduler.set_timesteps(num_inference_steps, device=device)
    except ValueError as error:
        kind_name = name or "this scheduler"
        raise UserError(f"steps is {num_inference_steps}, which {kind_name} refuses: {first_line(error)}") from None
    return scheduler


def with_trailing_timesteps(scheduler: SchedulerMixin) -> SchedulerMixin:
    """The same scheduler, its timesteps evenly spaced from the last of the training on, as LCM's are."""
    return type(scheduler).from_config(scheduler.config, timestep_spacing="trailing")


def predicted_original(
    model_output: torch.Tensor, noisy_latents: torch.Tensor, timesteps: torch.Tensor, noise_scheduler: SchedulerMixin
) -> torch.Tensor:
    """The latents without noise that a predicted noise or velocity points to; all (B, C, h, w), timesteps (B,).

    Source: Ho et al. 2020, equation 15; Salimans and Ho 2022, "Progressive distillation", for the velocity.
    """
    alphas_cumprod: torch.Tensor = noise_scheduler.alphas_cumprod.to(noisy_latents.device)
    alpha_prod = alphas_cumprod[timesteps].view(-1, 1, 1, 1)
    sqrt_alpha_prod, sqrt_beta_prod = alpha_prod.sqrt(), (1 - alpha_prod).sqrt()
    if noise_scheduler.config.prediction_type == "v_prediction":
        return sqrt_alpha_prod * noisy_latents - sqrt_beta_prod * model_output
    return (noisy_latents - sqrt_beta_prod * model_output) / sqrt_alpha_prod
