"""What one step of a training takes: measured with the models and settings that will train, on made-up examples."""

import tempfile
import time
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import torch

from s2i.core import devices, system
from s2i.core.params import Params
from s2i.diffusion.controlnets import ControlledUNet
from s2i.training.batches import StepBatches
from s2i.training.control_loss import control_loss
from s2i.training.loop import train_step
from s2i.training.memory import explain_out_of_memory
from s2i.training.methods import controlnet
from s2i.training.preparation import prepare
from s2i.training.run import Run

MEGABYTE = 2**20
MEASURED = 2  # steps, after one that warms up


class StepCost(NamedTuple):
    """Seconds of a step, and megabytes: of memory at its height, and of a checkpoint on the disk."""

    seconds: float
    memory: int
    checkpoint: int


@explain_out_of_memory()
def measure(params: Params) -> StepCost:
    """Take a few steps of the fine-tuning that method controlnet would run, and throw them away.

    Raises UserError where a model cannot be had, memory does not suffice, or the settings of the training do not go
    together.
    """
    device, precision = devices.pick(params.device, params.precision)
    pipeline = controlnet.load_pipeline(params)
    controlnet.inject(pipeline, "modified" if params.adapter == "two-step" else params.adapter, params)
    batch = _batch(pipeline, params)
    loss = control_loss(pipeline, torch.zeros_like(batch["embedding"][0], device=device), params)
    model = ControlledUNet(pipeline.unet, pipeline.controlnet)
    with tempfile.TemporaryDirectory() as folder:
        run = Run(model, loss, [], params.train, Path(folder), device, precision)
        state = prepare(run)
        StepBatches(params.train.batch_size, params.train.batch_size, 0, 0, 1, state.rngs)  # refuses odd parts
        for number in range(1 + MEASURED):
            if number == 1:
                start = time.monotonic()
            train_step(state, repeat(batch))
    seconds = (time.monotonic() - start) / MEASURED
    trained = sum(parameter.numel() for parameter in state.parameters.values())
    copies = 3 + bool(params.train.ema_decay)  # weights, two moments and the average
    is_cuda = device.type == "cuda"
    memory = torch.cuda.max_memory_allocated() // MEGABYTE if is_cuda else system.peak_memory()
    return StepCost(seconds, memory, 4 * copies * trained // MEGABYTE)


def _batch(pipeline: Any, params: Params) -> dict[str, torch.Tensor]:
    """A part of a batch as it would be encoded, all of noise."""
    count, side = max(1, params.train.batch_size // params.train.accumulate), params.resolution
    latent = side // pipeline.vae_scale_factor
    shape = (count, pipeline.unet.config.in_channels, latent, latent)
    tokens, width = pipeline.tokenizer.model_max_length, pipeline.text_encoder.config.hidden_size
    control = {f"control.{name}": torch.rand(count, 1, side, side) for name in params.conditions}
    return control | {
        "latent_mean": torch.randn(shape),
        "latent_logvar": torch.full(shape, -10.0),
        "embedding": torch.randn(count, tokens, width),
        "inside": torch.ones(count, 1, latent, latent),
        "matte": torch.ones(count, 1, latent, latent),
    }
