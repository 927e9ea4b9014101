import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    LCMScheduler,
)
from helpers.noise import LATENTS, noise_of

from s2i.training.distillation.losses import (
    consistency_loss,
    noise_between,
    trajectory_end,
    trajectory_loss,
)
from s2i.training.randomness import BatchRandom

SCHEDULE = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "clip_sample": False}
NOISE = DDPMScheduler(**SCHEDULE)


def loss(student, teacher):
    return consistency_loss(student, teacher, LATENTS, NOISE, BatchRandom(torch.device("cpu")).seed(0), 50)


def right(noisy, timesteps):
    return noise_of(NOISE, noisy, timesteps)


def test_a_student_that_always_sees_the_image_is_consistent_and_one_that_sees_nothing_is_not():
    assert loss(right, right) < 0.02, "near the end it gives the noisy latents themselves"
    assert loss(lambda noisy, timesteps: torch.zeros_like(noisy), right) > 0.2


def test_only_the_answer_from_further_away_learns():
    factor = torch.ones((), requires_grad=True)
    asked = []

    def student(noisy, timesteps):
        asked.append((timesteps, torch.is_grad_enabled()))
        return factor * right(noisy, timesteps)

    loss(student, right).backward()
    (start, learns), (end, told) = asked
    assert learns and not told and factor.grad.abs() > 0
    assert ((start - end) == 20).all() or (end[start - end != 20] == 0).all()


def test_the_way_from_one_timestep_to_the_next_is_ddims():
    generator = torch.Generator().manual_seed(1)
    noisy, prediction = (torch.randn(LATENTS.shape, generator=generator) for _ in range(2))
    ddim = DDIMScheduler(**SCHEDULE, set_alpha_to_one=False)
    ddim.set_timesteps(50)
    stepped = ddim.step(prediction, 519, noisy)
    timesteps = torch.full((len(LATENTS),), 519)
    noise = noise_between(noisy, stepped.pred_original_sample, timesteps, NOISE)
    torch.testing.assert_close(noise, prediction, atol=1e-4, rtol=1e-4)
    nearer = NOISE.add_noise(stepped.pred_original_sample, noise, timesteps - 20)
    torch.testing.assert_close(nearer, stepped.prev_sample, atol=1e-4, rtol=1e-4)


def test_what_is_read_off_a_prediction_is_what_lcms_scheduler_reads():
    generator = torch.Generator().manual_seed(1)
    noisy, prediction = (torch.randn(LATENTS.shape, generator=generator) for _ in range(2))
    lcm = LCMScheduler(**SCHEDULE)
    lcm.set_timesteps(4)
    for timestep in lcm.timesteps:
        read = trajectory_end(prediction, noisy, timestep.expand(len(noisy)), NOISE)
        torch.testing.assert_close(read, lcm.step(prediction, timestep, noisy).denoised, atol=1e-4, rtol=1e-4)


def test_a_student_that_ends_where_the_path_does_has_no_loss():
    timesteps = torch.full((len(LATENTS),), 499)
    noise = torch.randn(LATENTS.shape, generator=torch.Generator().manual_seed(2))
    noisy = NOISE.add_noise(LATENTS, noise, timesteps)
    assert trajectory_loss(lambda *_: noise, noisy, timesteps, LATENTS, NOISE) < 1e-3
    assert trajectory_loss(lambda *_: torch.zeros_like(noise), noisy, timesteps, LATENTS, NOISE) > 0.1
