"""Where computation happens and in which number format: chosen here and nowhere else."""

import os

import torch

from s2i.core.errors import UserError

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
HALF_ARITHMETIC = (5, 3)  # the first compute capability of CUDA that reckons in fp16


def pick(device: str = "auto", precision: str = "auto") -> tuple[torch.device, str]:
    """The torch device and the precision (``fp32 | bf16 | fp16``) for the parameters ``device`` and ``precision``.

    ``auto`` is the first GPU, else the CPU; in bf16 where the device computes it natively, on other CUDA GPUs in fp16,
    where training scales its gradients, else in fp32.
    Raises UserError when the device is not on this machine, or cannot compute in that precision.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("params.yaml: device is 'cuda', but torch finds no CUDA device; use 'auto' or 'cpu'.")
    if device == "mps" and not torch.backends.mps.is_available():
        raise UserError("params.yaml: device is 'mps', but torch finds no Apple GPU; use 'auto' or 'cpu'.")
    if precision == "auto":
        precision = _fastest_precision(device)
    if precision == "fp16" and device == "cpu":
        raise UserError("params.yaml: precision is 'fp16', which a CPU is slow and inexact in; use 'auto' or 'bf16'.")
    if device == "cuda" and "LOCAL_RANK" in os.environ:
        return torch.device("cuda", int(os.environ["LOCAL_RANK"])), precision
    return torch.device(device), precision


def _fastest_precision(device: str) -> str:
    """The number format with the fewest bits that a device computes in natively: emulated bf16 is slower than fp32."""
    if device == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bf16"
        return "fp16" if torch.cuda.get_device_capability() >= HALF_ARITHMETIC else "fp32"
    return "bf16" if device == "cpu" and torch.cpu._is_avx512_bf16_supported() else "fp32"
