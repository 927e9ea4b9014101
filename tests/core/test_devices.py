from types import SimpleNamespace

import pytest
import torch

from s2i.core import devices
from s2i.core.errors import UserError


@pytest.fixture
def machine(monkeypatch):
    """machine(cuda=, mps=, cpu_bf16=) is a machine that has these."""

    def machine(cuda=None, mps=False, cpu_bf16=False):
        """cuda: the compute capability of a CUDA GPU, which torch itself judges what it computes in by."""
        major, minor = cuda or (0, 0)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda is not None)
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (major, minor))
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(major=major))
        monkeypatch.setattr(torch.cuda, "_check_bf16_tensor_supported", lambda device: cuda is not None)  # emulated
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: cpu_bf16)

    return machine


@pytest.mark.parametrize(
    ("parts", "picked"),
    [
        ({"cuda": (8, 0), "mps": True}, ("cuda", "bf16")),
        ({"cuda": (7, 5)}, ("cuda", "fp16")),  # a T4, which would emulate bf16
        ({"cuda": (6, 0)}, ("cuda", "fp16")),  # a P100
        ({"cuda": (5, 0)}, ("cuda", "fp32")),
        ({"mps": True}, ("mps", "fp32")),
        ({"cpu_bf16": True}, ("cpu", "bf16")),
        ({}, ("cpu", "fp32")),
    ],
)
def test_the_fastest_device_is_picked_in_the_precision_it_computes_natively(machine, parts, picked):
    machine(**parts)
    device, precision = devices.pick()
    assert (device.type, precision) == picked


def test_what_the_user_asks_for_is_taken(machine):
    machine(cuda=(8, 0))
    assert devices.pick("cpu", "bf16") == (torch.device("cpu"), "bf16")
    assert devices.pick("cuda", "fp16") == (torch.device("cuda"), "fp16")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("cuda", "auto"), "device is 'cuda', but torch finds no CUDA device"),
        (("mps", "auto"), "device is 'mps', but torch finds no Apple GPU"),
        (("cpu", "fp16"), "precision is 'fp16', which a CPU is slow and inexact in"),
    ],
)
def test_what_the_machine_cannot_do_is_refused_in_one_sentence(machine, options, sentence):
    machine()
    with pytest.raises(UserError, match=sentence):
        devices.pick(*options)
