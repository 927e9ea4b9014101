import pytest
import torch

from s2i.core import devices
from s2i.core.errors import UserError


@pytest.fixture
def machine(monkeypatch):
    """machine(cuda=, mps=, cpu_bf16=) is a machine that has these."""

    def machine(cuda=False, mps=False, cpu_bf16=False, cuda_bf16=True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: cuda_bf16)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: cpu_bf16)

    return machine


@pytest.mark.parametrize(
    ("parts", "picked"),
    [
        ({"cuda": True, "mps": True}, ("cuda", "bf16")),
        ({"cuda": True, "cuda_bf16": False}, ("cuda", "fp32")),
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
    machine(cuda=True)
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
