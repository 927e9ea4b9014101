from types import MappingProxyType

import pytest
import torch
from diffusers import DDPMScheduler
from helpers.noise import LATENTS, noise_of

from s2i.training.losses import OriginalLoss, noise_loss
from s2i.training.randomness import BatchRandom


def loss(predict, options=MappingProxyType({}), **schedule):
    scheduler = DDPMScheduler(beta_schedule="scaled_linear", **schedule)
    return noise_loss(predict, LATENTS, scheduler, BatchRandom(torch.device("cpu")).seed(0), **options).item()


def test_the_right_noise_has_no_loss():
    scheduler = DDPMScheduler(beta_schedule="scaled_linear")
    assert loss(lambda noisy, t: noise_of(scheduler, noisy, t)) < 1e-6


def test_the_right_velocity_has_no_loss_where_the_scheduler_wants_velocities():
    scheduler = DDPMScheduler(beta_schedule="scaled_linear", prediction_type="v_prediction")
    velocity = lambda noisy, t: scheduler.get_velocity(LATENTS, noise_of(scheduler, noisy, t), t)  # noqa: E731
    assert loss(velocity, prediction_type="v_prediction") < 1e-6
    assert loss(velocity) > 0.1, "and it is not the noise"


def test_predicting_nothing_costs_the_variance_of_the_noise():
    assert loss(lambda noisy, t: torch.zeros_like(noisy)) == pytest.approx(1, abs=0.1)


def test_min_snr_weighs_down_the_nearly_noiseless_steps():
    scheduler = DDPMScheduler(beta_schedule="scaled_linear")

    def wrong_where_there_is_hardly_noise(noisy, timesteps):
        return noise_of(scheduler, noisy, timesteps) + 3 * (timesteps < 200).view(-1, 1, 1, 1)

    plain = loss(wrong_where_there_is_hardly_noise)
    assert 0 < loss(wrong_where_there_is_hardly_noise, {"snr_gamma": 5}) < 0.5 * plain


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_min_snr_weighs_as_diffusers_example_of_text_to_image_does(kind):
    scheduler = DDPMScheduler(beta_schedule="scaled_linear", prediction_type=kind)
    seen = {}

    def predict(noisy, timesteps):
        seen.update(noisy=noisy, timesteps=timesteps)
        return torch.full_like(noisy, 0.5)

    weighed = loss(predict, {"snr_gamma": 5.0}, prediction_type=kind)
    timesteps, noise = seen["timesteps"], noise_of(scheduler, seen["noisy"], seen["timesteps"])
    target = noise if kind == "epsilon" else scheduler.get_velocity(LATENTS, noise, timesteps)
    snr = scheduler.alphas_cumprod[timesteps] / (1 - scheduler.alphas_cumprod[timesteps])
    assert snr.min() < 5 < snr.max()
    weights = torch.stack([snr, 5.0 * torch.ones_like(timesteps)], dim=1).min(dim=1)[0]
    weights = weights / snr if kind == "epsilon" else weights / (snr + 1)
    errors = (0.5 - target).square().mean(dim=(1, 2, 3))
    assert weighed == pytest.approx((errors * weights).mean().item(), rel=1e-4)
    assert weighed != pytest.approx(errors.mean().item(), rel=0.01)


def test_weights_look_at_one_place_alone():
    scheduler = DDPMScheduler(beta_schedule="scaled_linear")
    left = torch.zeros(16, 1, 8, 8)
    left[..., :4] = 1

    def wrong_on_the_right(noisy, timesteps):
        wrong = noise_of(scheduler, noisy, timesteps)
        wrong[..., 4:] += 3
        return wrong

    assert loss(wrong_on_the_right, {"weights": left}) < 1e-6
    assert loss(wrong_on_the_right, {"weights": 1 - left}) == pytest.approx(9, rel=1e-3)
    assert loss(wrong_on_the_right) == pytest.approx(4.5, rel=1e-3)


def test_an_image_counts_as_much_as_any_other_however_small_its_building_is():
    large, small = torch.zeros(16, 1, 8, 8), torch.zeros(16, 1, 8, 8)
    large[:, :, :7], small[:, :, :1] = 1, 1
    nothing = lambda noisy, t: torch.zeros_like(noisy)  # noqa: E731
    assert loss(nothing, {"weights": large}) == pytest.approx(loss(nothing, {"weights": small}), rel=0.25)


def test_a_loss_of_the_original_sees_the_nearly_denoised_alone_and_counts_as_much_as_is_left_of_the_signal():
    scheduler, asked, seen = DDPMScheduler(beta_schedule="scaled_linear"), [], []

    def edges(original, latents):
        asked.append(len(original))
        return torch.full((len(original),), 2.0)

    def value(**options):
        rng = BatchRandom(torch.device("cpu")).seed(0)
        predict = lambda noisy, timesteps: seen.append(timesteps) or torch.zeros_like(noisy)  # noqa: E731
        return noise_loss(predict, LATENTS, scheduler, rng, **options).item()

    assert value(original_loss=OriginalLoss(edges, 0)) == value() and not asked
    with_edges = value(original_loss=OriginalLoss(edges, 400))
    assert 0 < asked[0] < 16
    signal = scheduler.alphas_cumprod[seen[-1][seen[-1] < 400]]
    assert with_edges - value() == pytest.approx(2 * signal.sum().item() / 16, rel=1e-4) and len(signal) == asked[0]
