"""Train on the points of a line: train_a_line.py CHECKPOINTS OUT.json STEPS, for test_training.py.

OUT.json gets the losses, and how many processes there were.
"""

import json
import sys
from pathlib import Path

import torch
from accelerate import PartialState
from torch import nn
from torch.utils.data import TensorDataset

from s2i.core.params import Optimisation
from s2i.training.loop import fit
from s2i.training.run import Run


def loss(model, batch, draws):
    x, y = batch
    return (model(x + 0.01 * draws.normal(x.shape)) - y).square().mean()


checkpoints, out, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(0)
x = torch.linspace(-1, 1, 40)[:, None]
settings = Optimisation(steps=steps, batch_size=8, learning_rate=0.3, checkpoint_every=10, validate_every=10)
losses = []
fit(
    Run(
        nn.Linear(1, 1),
        loss,
        TensorDataset(x, 3 * x + 1),
        settings,
        checkpoints,
        device=torch.device("cpu"),
        precision="fp32",
        validate=lambda step: 1 / step,
        log=lambda _, figures: losses.append(figures["loss"]),
    )
)
if losses:  # the main process
    out.write_text(json.dumps({"processes": PartialState().num_processes, "losses": losses}), encoding="utf-8")
