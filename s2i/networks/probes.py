"""Attributes read off photos by linear probes on frozen ImageNet features."""

import json
from collections.abc import Sequence
from functools import cache as once
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.nn import functional as F

from s2i.core.errors import UserError
from s2i.core.files import whole_file
from s2i.core.parallel import chunked
from s2i.imaging import tensors
from s2i.networks.efficientnet import efficientnet_lite0_maps
from s2i.vocabulary.attributes import PROBED, YES_OR_NO, in_one_word

BATCH = 32


class LinearProbe(NamedTuple):
    """A linear classifier of D inputs: weight (D, K), bias (K,) and the K values it chooses from."""

    weight: torch.Tensor
    bias: torch.Tensor
    values: list[str]


class Probes:
    """One linear probe an attribute, on what `features` gives."""

    def __init__(self, probes: dict[str, LinearProbe]):
        self.probes = probes

    def predict(self, inputs: torch.Tensor) -> list[dict[str, str | bool]]:
        """The most likely value of every attribute for each row of inputs (N, D); yes-or-no ones as booleans."""
        columns: dict[str, list] = {}
        for name, (weight, bias, values) in self.probes.items():
            best = [values[index] for index in (inputs @ weight.float() + bias.float()).argmax(dim=1)]
            columns[name] = [value == "yes" for value in best] if name in YES_OR_NO else best
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def save(self, file: Path) -> None:
        """Write weights and names of the values into one safetensors file."""
        contents: dict[str, torch.Tensor] = {}
        for name, (weight, bias, _) in self.probes.items():
            contents |= {f"{name}.weight": weight.bfloat16().contiguous(), f"{name}.bias": bias.bfloat16()}
        values = {name: json.dumps(values) for name, (_, _, values) in self.probes.items()}
        with whole_file(file) as draft:
            save_file(contents, draft, metadata=values)

    @classmethod
    def load(cls, file: Path) -> "Probes":
        """Raises UserError when the file is not what `save` wrote."""
        try:
            with safe_open(file, "pt") as stored:
                probes = {
                    name: LinearProbe(
                        stored.get_tensor(f"{name}.weight"), stored.get_tensor(f"{name}.bias"), json.loads(values)
                    )
                    for name, values in sorted(stored.metadata().items())
                }
        except (SafetensorError, ValueError, AttributeError) as error:  # ValueError: the values are not JSON
            raise UserError(f"{file} does not hold attribute probes: {error}; restore it with git.") from None
        return cls(probes)


@once
def load_once(file: Path) -> Probes:
    """The probes of a file, read once a process; raises UserError as `Probes.load` does."""
    return Probes.load(file)


def fit(inputs: torch.Tensor, truth: Sequence[dict], ridge: float = 1e-3, names: Sequence[str] = PROBED) -> Probes:
    """Probes of some attributes, fitted on rows of inputs (N, D) and what is true of each."""
    return Probes({name: fit_linear(inputs, [in_one_word(row, name) for row in truth], ridge) for name in names})


def fit_linear(inputs: torch.Tensor, values: Sequence[str], ridge: float) -> LinearProbe:
    """Multinomial logistic regression of N values on inputs (N, D); the probe's values are sorted.

    ridge: how much the squared weights, summed, cost beside the mean cross-entropy.
    """
    classes = sorted(set(values))
    targets = torch.tensor([classes.index(value) for value in values])
    weight = torch.zeros(inputs.shape[1], len(classes), requires_grad=True)
    bias = torch.zeros(len(classes), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> float:
        optimizer.zero_grad()
        loss = F.cross_entropy(inputs @ weight + bias, targets) + ridge * weight.square().sum()
        loss.backward()
        return loss.item()

    optimizer.step(closure)
    return LinearProbe(weight.detach(), bias.detach(), classes)


@torch.no_grad()
def features(images: Sequence[np.ndarray]) -> torch.Tensor:
    """The inputs of the probes: images (H, W, 3) uint8, equally large -> (N, 2560) float32.

    The first 1280 are EfficientNet-Lite0's pooled features, the others its features of the left half, averaged, less
    those of the right.
    """
    network, rows = efficientnet_lite0_maps(), []
    for batch in chunked(images, BATCH):
        maps = network(tensors.to_unit_range(tensors.stack(batch)))
        left, right = maps[..., :3].mean(dim=(2, 3)), maps[..., 4:].mean(dim=(2, 3))  # 7 columns
        rows.append(torch.cat([maps.mean(dim=(2, 3)), left - right], dim=1))
    return torch.cat(rows)


def accuracy(predicted: Sequence[dict], truth: Sequence[dict]) -> dict[str, float]:
    """The share of each attribute's values that were predicted right, over the rows where it is known and predicted."""
    shares = {}
    for name in (*PROBED, "color"):
        rows = [(guess, row) for guess, row in zip(predicted, truth, strict=True) if name in guess]
        right = [in_one_word(guess, name) == in_one_word(row, name) for guess, row in rows if row.get(name) is not None]
        if right:
            shares[name] = float(np.mean(right))
    return shares
