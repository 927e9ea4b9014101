"""Perceptual distances in two steps, against whole networks and the lpips package."""

from unittest import mock

import pytest
import torch
import torchvision
from helpers.images import noise

from s2i.metrics import perceptual
from s2i.networks import lpips
from s2i.networks.st_lpips import ShiftTolerantLPIPS


def test_distances_are_those_of_whole_networks_and_a_matte_says_what_counts():
    a, b = noise(2, 3, 64, 64), noise(2, 3, 64, 64, seed=1)
    mixed = torch.cat([a[..., :32], b[..., 32:]], dim=3)
    st_lpips = perceptual.available()["st_lpips"]
    between = lambda x, y, *matte: st_lpips.between(st_lpips.features(x), st_lpips.features(y), *matte)  # noqa: E731
    assert torch.equal(between(a, b), ShiftTolerantLPIPS.load()(a, b))
    matte = torch.zeros(2, 1, 64, 64)
    matte[..., :32] = 1
    assert torch.allclose(between(a, b, torch.ones_like(matte)), between(a, b))
    assert (between(mixed, a, matte) < 0.5 * between(mixed, a, 1 - matte)).all()
    assert between(a, b, 0 * matte).isnan().all()


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_lpips_is_what_the_lpips_package_computes_with_the_same_trunk(net):
    from lpips import LPIPS

    torch.manual_seed(0)
    name = {"alex": "alexnet", "vgg": "vgg16"}[net]
    trunk = getattr(torchvision.models, name)()
    with mock.patch.object(torchvision.models, name, lambda **_: trunk):
        reference = LPIPS(net=net, verbose=False)
    a, b = noise(2, 3, 48, 48), noise(2, 3, 48, 48, seed=1)
    ours = perceptual.lpips_package(net, trunk.state_dict())
    distances = ours.between(ours.features(a), ours.features(b))
    assert (distances > 0).all() and torch.allclose(distances, reference(a, b).flatten(), rtol=1e-5)


def test_lpips_on_both_nets_can_be_had_and_is_absent_where_its_weights_are(monkeypatch):
    assert list(perceptual.available()) == ["st_lpips", "lpips", "lpips_vgg"]
    monkeypatch.setattr(lpips, "absence", lambda net: "no index")
    assert list(perceptual.available()) == ["st_lpips"]
