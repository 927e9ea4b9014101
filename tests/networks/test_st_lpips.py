"""Shift-tolerant LPIPS, against stored figures of the package that carries its weights."""

import pytest
import torch
from helpers.images import noise

from s2i.networks.st_lpips import ShiftTolerantLPIPS


@pytest.fixture(scope="module")
def st_lpips():
    return ShiftTolerantLPIPS.load()


def test_st_lpips_gives_the_figures_of_the_package_that_carries_its_weights(st_lpips):
    # Stored from stlpips_pytorch 0.0.2, LPIPS(net="alex", variant="shift_tolerant").
    a, b = noise(2, 3, 64, 64), noise(2, 3, 64, 64, seed=1)
    blurred = torch.nn.functional.avg_pool2d(a, 5, 1, 2)
    assert st_lpips(a, b).tolist() == pytest.approx([0.03831912, 0.03678812], abs=1e-5)
    assert st_lpips(a, blurred).tolist() == pytest.approx([0.55018312, 0.54606456], abs=1e-5)


def test_st_lpips_is_zero_for_an_image_and_itself_and_symmetric(st_lpips):
    a, b = noise(2, 3, 64, 64), noise(2, 3, 64, 64, seed=1)
    assert st_lpips(a, a).tolist() == [0, 0]
    assert torch.allclose(st_lpips(a, b), st_lpips(b, a))


def test_st_lpips_as_a_loss_pulls_an_image_towards_its_target(st_lpips):
    image, target = noise(1, 3, 32, 32).requires_grad_(), noise(1, 3, 32, 32, seed=1)
    before = st_lpips(image, target).item()
    optimizer = torch.optim.Adam([image], lr=0.05)
    for _ in range(30):
        optimizer.zero_grad()
        st_lpips(image, target).sum().backward()
        optimizer.step()
    assert st_lpips(image, target).item() < before / 2
    assert not any(parameter.requires_grad for parameter in st_lpips.parameters())


def test_st_lpips_has_finite_gradients_where_features_vanish(st_lpips):
    image = torch.zeros(1, 3, 32, 32, requires_grad=True)
    st_lpips(image, torch.zeros(1, 3, 32, 32)).sum().backward()
    assert image.grad.isfinite().all()
