"""What makes the embedded autoencoder decode crisp images."""

import pytest
import torch
from torch import nn

from s2i.embedded.pretraining.discriminator import (
    MAX_RATIO,
    PatchDiscriminator,
    adversarial_loss,
    discriminator_loss,
)


@pytest.fixture
def discriminator():
    torch.manual_seed(0)
    return PatchDiscriminator()


@pytest.fixture
def decoder():
    torch.manual_seed(1)
    return nn.Conv2d(4, 3, 3, padding=1)


def test_patches_are_judged_apart(discriminator):
    image = torch.zeros(1, 3, 64, 64)
    changed = image.clone()
    changed[..., :4, :4] = 1
    with torch.no_grad():
        difference = discriminator.eval()(changed) - discriminator(image)
    assert difference.shape == (1, 1, 7, 7)
    assert difference[..., :2, :2].abs().max() > 0 and difference[..., 4:, 4:].abs().max() == 0


def test_the_adversarial_loss_teaches_the_decoder_and_not_the_discriminator(discriminator, decoder):
    decoded = decoder(torch.randn(2, 4, 32, 32))
    other = decoded.square().mean()
    adversarial_loss(discriminator, decoded, other, decoder.weight).backward()
    assert decoder.weight.grad.any()
    assert all(parameter.grad is None for parameter in discriminator.parameters())


def test_its_gradient_is_as_strong_in_the_last_layer_as_that_of_the_other_losses(discriminator, decoder):
    decoded = decoder(torch.randn(2, 4, 32, 32))
    other = 0.01 * decoded.square().mean()
    loss = adversarial_loss(discriminator, decoded, other, decoder.weight)
    norms = [torch.autograd.grad(one, decoder.weight, retain_graph=True)[0].norm() for one in (loss, other)]
    assert norms[0] == pytest.approx(norms[1].item(), rel=0.05)
    strong = adversarial_loss(discriminator, decoded, 1e6 * other, decoder.weight)
    weak = adversarial_loss(discriminator, decoded, other, decoder.weight) / loss * -1
    assert abs(strong.item()) <= MAX_RATIO * abs(discriminator(decoded).mean().item()) * 1.1 and weak < 0


def test_the_discriminator_learns_to_tell_noise_from_stripes(discriminator):
    real = torch.ones(4, 3, 32, 32)
    real[..., ::2] = -1
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-3)
    before = discriminator_loss(discriminator, real, torch.randn_like(real)).item()
    for _ in range(40):
        optimizer.zero_grad()
        discriminator_loss(discriminator, real, torch.randn_like(real)).backward()
        optimizer.step()
    assert discriminator_loss(discriminator, real, torch.randn_like(real)).item() < 0.5 * before


def test_the_decoder_learns_nothing_from_the_discriminators_own_loss(discriminator, decoder):
    decoded = decoder(torch.randn(2, 4, 32, 32))
    discriminator_loss(discriminator, torch.randn_like(decoded), decoded).backward()
    assert decoder.weight.grad is None
