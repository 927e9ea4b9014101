"""Noise schedulers by name, each set up as the base was trained."""

from inspect import signature

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
SCHEDULERS = {
    "ddim": (DDIMScheduler, {"clip_sample": False, "set_alpha_to_one": False}),
    "dpm-solver++": (DPMSolverMultistepScheduler, {"algorithm_type": "dpmsolver++"}),
    "unipc": (UniPCMultistepScheduler, {}),
    "euler": (EulerDiscreteScheduler, {}),
    "lcm": (LCMScheduler, {"clip_sample": False}),
}


def scheduler(given: SchedulerMixin, name: str | None, steps: int, device: str = "cpu") -> SchedulerMixin:
    """A scheduler of that name, None for the kind of the ``given`` one, with its timesteps set.

    Betas and prediction_type stay those of ``given``, the base's own; it is not changed.
    Raises UserError when there is no such scheduler, or it cannot take so many steps.
    """
    if name is not None and name not in SCHEDULERS:
        raise UserError(f"scheduler is '{name}', which does not exist; {hint(name, SCHEDULERS)}")
    kind, changes = (type(given), {}) if name is None else SCHEDULERS[name]
    known = {key: value for key, value in given.config.items() if key in signature(kind.__init__).parameters}
    made = kind.from_config(known, **changes)
    try:
        made.set_timesteps(steps, device=device)
    except ValueError as error:
        raise UserError(f"steps is {steps}, which {name or 'this scheduler'} refuses: {first_line(error)}") from None
    return made


def trailing(given: SchedulerMixin) -> SchedulerMixin:
    """The same scheduler, its timesteps evenly spaced from the last of the training on, as LCM's are."""
    return type(given).from_config(given.config, timestep_spacing="trailing")


def predicted_original(
    prediction: torch.Tensor, noisy: torch.Tensor, timesteps: torch.Tensor, noise_scheduler: SchedulerMixin
) -> torch.Tensor:
    """The latents that a prediction of noise or velocity points to, in one step; all (B, C, h, w), timesteps (B,).

    Source: Ho et al. 2020, equation 15; Salimans and Ho 2022, "Progressive distillation", for the velocity.
    """
    share = noise_scheduler.alphas_cumprod.to(noisy.device)[timesteps].view(-1, 1, 1, 1)
    signal, spread = share.sqrt(), (1 - share).sqrt()
    if noise_scheduler.config.prediction_type == "v_prediction":
        return signal * noisy - spread * prediction
    return (noisy - spread * prediction) / signal
