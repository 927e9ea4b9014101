"""The latent space of the embedded autoencoder."""

import pytest
import torch

from s2i.embedded.pretraining import autoencoder
from s2i.embedded.pretraining.params import Autoencoder

SETTINGS = Autoencoder(
    channels=[8, 8, 8, 8],
    latent_channels=4,
    norm_groups=1,
    crop=32,
    perceptual_weight=0,
    perceptual_share=0,
    kl_weight=0,
    whitening_floor=0.001,
    decoder_steps=1,
    steps=1,
    batch_size=1,
    learning_rate=1e-3,
)


@pytest.fixture
def vae():
    torch.manual_seed(0)
    return autoencoder.build(SETTINGS, 64)


@torch.no_grad()
def test_whitened_latents_are_uncorrelated_and_equally_strong_and_decode_to_the_same_images(vae):
    photos = torch.rand(16, 3, 64, 64) * 2 - 1
    before = vae.encode(photos).latent_dist
    decoded = vae.decode(before.mean).sample
    autoencoder.whiten(vae, before.mean, floor=1e-3)
    after = vae.encode(photos).latent_dist
    assert torch.allclose(vae.decode(after.mean).sample, decoded, atol=1e-4)
    assert after.std.max() < 1e-6, "what is drawn from the posterior is its mean"
    rows = after.mean.movedim(1, -1).flatten(0, -2)
    covariance = torch.cov(rows.T)
    assert torch.allclose(covariance - covariance.diag().diag(), torch.zeros(4, 4), atol=1e-3)
    assert rows.mean(dim=0).abs().max() < 1e-3
    raw = torch.linalg.eigvalsh(torch.cov(before.mean.movedim(1, -1).flatten(0, -2).T))
    wanted = raw / (raw + 1e-3 * raw.mean())
    assert torch.allclose(covariance.diag().sort().values, wanted.sort().values, atol=1e-2)
    assert raw.max() / raw.min() > 5, "they were unequal before"
