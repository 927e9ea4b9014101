"""What the embedded denoiser is trained on."""

import pytest
import torch

from s2i.core.params_file import load
from s2i.embedded.pretraining.denoiser import denoising_loss
from s2i.embedded.pretraining.params import FILE, BaseParams
from s2i.training.randomness import BatchRandom


class Recorder:
    """A model that predicts no velocity and keeps the shapes of what it was shown."""

    features = None

    def __call__(self, noisy_latents, timesteps, tokens, controlnet_cond, control_mask):
        self.shown = {"latents": noisy_latents.shape, "tokens": tokens.shape, "control": controlnet_cond.shape}
        return torch.zeros_like(noisy_latents)

    def alignment(self, features, target):
        return torch.zeros(())


@pytest.mark.parametrize(
    ("share", "side", "length"), [(0.1, 16, 24), (0.45, 16, 24), (0.55, 32, 24), (0.95, 32, 77)], ids=str
)
def test_renders_and_controls_are_seen_at_half_their_size_first_and_prompts_whole_at_last(share, side, length):
    settings = load(FILE, BaseParams).denoiser
    model, rng = Recorder(), BatchRandom(torch.device("cpu"))
    rng.seed(0, int(share * settings.steps))
    batch = {
        "latents": torch.zeros(2, 2, 4, 32, 32),
        "halved": torch.zeros(2, 2, 4, 16, 16),
        "tokens": torch.zeros(2, 2, settings.prompts_per_image, 77, dtype=torch.long),
        "aligned": torch.zeros(2, 8, 7, 7),
        "controls": torch.zeros(2, 4, 256, 256, dtype=torch.uint8),
    }
    denoising_loss(settings, torch.zeros(1, 77, dtype=torch.long))(model, batch, rng)
    assert model.shown == {"latents": (2, 4, side, side), "tokens": (2, length), "control": (2, 3, 8 * side, 8 * side)}
