"""What updates the parameters."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from s2i.core.errors import UserError
from s2i.core.params import Optimisation


def make_optimizer(
    parameters: Mapping[str, nn.Parameter],
    settings: Optimisation,
    device: torch.device,
    rate_of: Callable[[str], float] | None = None,
) -> Optimizer:
    """AdamW, its moments in 32 or in 8 bits (Dettmers et al. 2022, "8-bit optimizers via block-wise quantization").

    rate_of: the learning rate of a parameter by its name; None gives every one ``settings.learning_rate``.
    Raises UserError for 8 bits without a CUDA GPU or without the package bitsandbytes.
    """
    groups = _groups_by_rate(parameters, rate_of or (lambda name: settings.learning_rate))
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, weight_decay=settings.weight_decay, fused=True)
    if device.type == "cuda" and find_spec("bitsandbytes"):
        from bitsandbytes.optim import AdamW8bit

        eight_bits: Optimizer = AdamW8bit(groups, weight_decay=settings.weight_decay)
        return eight_bits
    raise UserError(
        "train.optimizer is adamw8bit, which needs a CUDA GPU and the package bitsandbytes "
        '(pip install -e ".[8bit]"): have both, or set it to adamw in params.yaml.'
    )


def _groups_by_rate(parameters: Mapping[str, nn.Parameter], rate_of: Callable[[str], float]) -> list[dict[str, Any]]:
    """One group of parameters a learning rate, the highest rate first."""
    rates = {name: rate_of(name) for name in parameters}
    return [
        {"params": [parameters[name] for name in parameters if rates[name] == rate], "lr": rate}
        for rate in sorted(set(rates.values()), reverse=True)
    ]
