"""A model of a line, and how it is trained."""

import torch
from torch import nn
from torch.utils.data import TensorDataset

from s2i.core.params import Optimisation

CPU = {"device": torch.device("cpu"), "precision": "fp32"}


def points():
    """Points on y = 3 x + 1."""
    x = torch.linspace(-1, 1, 40)[:, None]
    return TensorDataset(x, 3 * x + 1)


def model():
    torch.manual_seed(0)
    return nn.Linear(1, 1)


def noisy_loss(model, batch, rng):
    x, y = batch
    return (model(x + 0.01 * rng.normal(x.shape)) - y).square().mean()


def settings(**changes):
    return Optimisation(**{"steps": 30, "batch_size": 8, "learning_rate": 0.3, "checkpoint_every": 10} | changes)
