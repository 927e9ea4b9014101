"""The latent space of the embedded autoencoder."""

import pytest
import torch
from diffusers import AutoencoderKL

from s2i.embedded.pretraining.latent_space import keep_strongest, whiten


@pytest.fixture
def vae():
    torch.manual_seed(0)
    return AutoencoderKL(
        block_out_channels=[8] * 4,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=1,
        mid_block_add_attention=False,
    )


@pytest.fixture
def photos():
    return torch.rand(16, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.no_grad()
def decoded(vae, photos):
    return vae.decode(vae.encode(photos).latent_dist.mean).sample


@torch.no_grad()
def test_whitened_latents_are_uncorrelated_and_equally_strong_and_decode_to_the_same_images(vae, photos):
    before = vae.encode(photos).latent_dist
    images = decoded(vae, photos)
    whiten(vae, before.mean, floor=1e-3)
    after = vae.encode(photos).latent_dist
    assert torch.allclose(decoded(vae, photos), images, atol=1e-4)
    assert after.std.max() < 1e-6, "what is drawn from the posterior is its mean"
    rows = after.mean.movedim(1, -1).flatten(0, -2)
    covariance = torch.cov(rows.T)
    assert torch.allclose(covariance - covariance.diag().diag(), torch.zeros(4, 4), atol=1e-3)
    assert rows.mean(dim=0).abs().max() < 1e-3
    raw = torch.linalg.eigvalsh(torch.cov(before.mean.movedim(1, -1).flatten(0, -2).T))
    wanted = raw / (raw + 1e-3 * raw.mean())
    assert torch.allclose(covariance.diag().sort().values, wanted.sort().values, atol=1e-2)
    assert raw.max() / raw.min() > 5, "they were unequal before"


@torch.no_grad()
def test_with_all_channels_kept_the_images_are_the_same_to_rounding(vae, photos):
    whiten(vae, vae.encode(photos).latent_dist.mean, floor=1e-3)
    vae.post_quant_conv.bias.zero_()  # at the border it would be lost
    assert torch.allclose(decoded(keep_strongest(vae, 4), photos), decoded(vae, photos), atol=1e-4)


@torch.no_grad()
def test_the_channels_that_are_kept_are_the_strongest(vae, photos):
    whiten(vae, vae.encode(photos).latent_dist.mean, floor=0.3)
    whole = vae.encode(photos).latent_dist.mean
    spread = whole.std(dim=(0, 2, 3))
    assert spread.argsort().tolist() == [0, 1, 2, 3], "whitening sorts them"
    kept = keep_strongest(vae, 2)
    assert kept.config.latent_channels == 2
    assert torch.allclose(kept.encode(photos).latent_dist.mean, whole[:, 2:], atol=1e-4)
    assert kept.encode(photos).latent_dist.std.max() < 1e-6


def test_no_gradient_reaches_the_log_variances(vae, photos):
    kept = keep_strongest(vae, 2)
    kept.encode(photos).latent_dist.parameters.sum().backward()
    assert kept.quant_conv.weight.grad[:2].any() and not kept.quant_conv.weight.grad[2:].any()
    assert not kept.encoder.conv_out.bias.grad[2:].any()


def test_it_is_saved_and_loaded_as_any_autoencoder(vae, photos, tmp_path):
    kept = keep_strongest(vae, 2)
    kept.save_pretrained(tmp_path)
    assert torch.equal(decoded(AutoencoderKL.from_pretrained(tmp_path), photos), decoded(kept, photos))
