"""What a training is made of: the pieces that its caller chooses, and how far it has come."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from s2i.core.params import Optimisation
from s2i.training import batches, optimizers
from s2i.training.randomness import BatchRandom

Batch = Any  # tensors by name, or whatever else the loss takes
Loss = Callable[[Any, Any, BatchRandom], torch.Tensor]  # of a model, a batch and random numbers
LoadBatches = Callable[[batches.Examples, Optimisation, int, range, Sequence[BatchRandom]], Iterator[Batch]]
MakeOptimizer = Callable[[Mapping[str, nn.Parameter], Optimisation, torch.device], Optimizer]


@dataclass(frozen=True)
class Run:
    """The pieces of a training.

    model: its parameters that require gradients are trained.
    loss(model, batch, rng): a scalar.  All its randomness must come from ``rng``, which is seeded by the step.
    checkpoints: the folder that an interrupted training goes on from.
    precision: ``fp32``, ``bf16`` or ``fp16``, what the loss is computed in.
    log(step, figures): called by the main process after every step.

    validate(step): a figure to be minimised.  The best weights are kept, and ``settings.patience`` validations
    without improvement end the training.
    load_batches: where batches come from, see `batches.load_batches`.
    make_optimizer: what updates the parameters, see `optimizers.make_optimizer`.
    """

    model: nn.Module
    loss: Loss
    examples: batches.Examples
    settings: Optimisation
    checkpoints: Path
    device: torch.device
    precision: str
    seed: int = 0
    description: str = "train"
    log: Callable[[int, dict[str, float]], None] | None = None
    validate: Callable[[int], float] | None = None
    load_batches: LoadBatches = batches.load_batches
    make_optimizer: MakeOptimizer = optimizers.make_optimizer


@dataclass
class TrainState:
    """A training under way.

    model: that of the run, as accelerate wraps it.  parameters: those that train, by name.
    rngs: the random numbers of each part of a batch that this process computes.
    step: how many steps are done.  skipped_steps: how many of these left the weights as they were, as the scaler of
    fp16 found gradients out of range.  saved_step: that of the last checkpoint, 0 where there is none.
    best_figure: the least that validation gave, at ``best_step``.
    """

    run: Run
    accelerator: Accelerator
    model: nn.Module
    parameters: dict[str, nn.Parameter]
    optimizer: Optimizer
    lr_scheduler: LambdaLR
    ema: EMAModel | None
    rngs: list[BatchRandom]
    step: int = 0
    skipped_steps: int = 0
    saved_step: int = 0
    best_step: int | None = None
    best_figure: float | None = None
    validations_since_best: int = 0


class StepResult(NamedTuple):
    """Figures of one step: the loss, the learning rate it was taken with, and the norm of its gradient, unclipped."""

    loss: float
    learning_rate: float
    gradient_norm: float


class Fitted(NamedTuple):
    """The step whose weights the model holds after a training, and the last step that was trained."""

    best: int
    last: int
