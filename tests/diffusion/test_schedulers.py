"""Noise schedulers by name."""

from typing import get_args

import pytest
import torch
from diffusers import DDPMScheduler
from helpers.noise import LATENTS

from s2i.core.errors import UserError
from s2i.core.params import Scheduler
from s2i.diffusion import base, schedulers
from s2i.diffusion.schedulers import predicted_original


def test_every_scheduler_that_params_yaml_may_name_is_set_up():
    assert tuple(schedulers.SCHEDULERS) == get_args(Scheduler)


def test_the_prediction_type_is_the_bases_whatever_the_scheduler(tiny_base):
    base_scheduler = base.load(tiny_base, None).scheduler
    for name in schedulers.SCHEDULERS:
        scheduler = schedulers.make_scheduler(base_scheduler, name, 4)
        for key in ("prediction_type", "beta_start", "beta_end", "beta_schedule"):
            assert scheduler.config[key] == base_scheduler.config[key]


@pytest.mark.parametrize(
    ("name", "steps", "sentence"),
    [
        ("dpm-solver", 4, r"'dpm-solver', which does not exist; did you mean 'dpm-solver\+\+'"),
        ("lcm", 51, "lcm refuses"),
    ],
)
def test_a_scheduler_that_cannot_be_is_one_clear_sentence(tiny_base, name, steps, sentence):
    with pytest.raises(UserError, match=sentence):
        schedulers.make_scheduler(base.load(tiny_base, None).scheduler, name, steps)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_a_right_prediction_points_to_the_latents(kind):
    scheduler = DDPMScheduler(beta_schedule="scaled_linear", prediction_type=kind)
    noise, timesteps = torch.randn_like(LATENTS), torch.arange(0, 800, 50)
    noisy = scheduler.add_noise(LATENTS, noise, timesteps)
    right = scheduler.get_velocity(LATENTS, noise, timesteps) if kind == "v_prediction" else noise
    torch.testing.assert_close(predicted_original(right, noisy, timesteps, scheduler), LATENTS, rtol=1e-3, atol=1e-3)
