"""What the trainings of all methods have in common: models set up to train, and where one goes on from."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import Dataset

from s2i.core import cache, devices
from s2i.core.parallel import is_main_process
from s2i.core.params import Params, Train
from s2i.diffusion import placement
from s2i.diffusion.placement import HeldInPrecision
from s2i.training.checkpoints import folder_lock
from s2i.training.loop import fit
from s2i.training.run import Loss, Run
from s2i.training.tracking import Tracker, open_tracker


def prepare_models(
    trained: Sequence[nn.Module], frozen: Sequence[nn.Module], train: Train, device: torch.device, precision: str
) -> list[HeldInPrecision]:
    """Have UNets and ControlNets compute on a device as the parameters say, those that train in place.

    frozen: models of which no weight trains; what is returned takes their place.
    """
    for model in (*trained, *frozen):
        if train.gradient_checkpointing:
            model.enable_gradient_checkpointing()
        if train.compile:
            model.forward = torch.compile(model.forward)
    held_in = precision if train.frozen == "auto" else train.frozen
    held = [HeldInPrecision(model.requires_grad_(False), held_in) for model in frozen]
    placement.move_to(device, *trained, *frozen, channels_last=train.channels_last)
    return held


@contextmanager
def tracked(checkpoints: Path, live: Path, params: Params) -> Iterator[Tracker]:
    """Be alone in the folder of a training, track it there, and in the end copy figures and images to ``live``."""
    with (
        folder_lock(checkpoints, is_main_process()),
        open_tracker(params.train.tracker, checkpoints / "live", params.model_dump()) as tracker,
    ):
        yield tracker
    if is_main_process():
        shutil.copytree(checkpoints / "live", live, dirs_exist_ok=True)


def train_in_turn(
    model: nn.Module,
    loss: Loss,
    examples: Dataset,
    params: Params,
    checkpoints: Path,
    tracker: Tracker,
    number: int,
    first_step: int,
    name: str,
) -> int:
    """Train a model for what stands at a place among several that are learned in turn; the steps made until then.

    first_step: those that were made before; each training has checkpoints and a seed of its own.
    """
    device, precision = devices.pick(params.device, params.precision)
    fitted = fit(
        Run(
            model,
            loss,
            examples,
            params.train,
            checkpoints / str(number),
            device=device,
            precision=precision,
            seed=params.training_seed + number,
            log=lambda step, figures: tracker.figures(first_step + step, figures),
            description=f"learn {name}",
        )
    )
    return first_step + fitted.last


def checkpoint_folder(params: Params, settings: set[str], models: Sequence[str | Path], method: str, *content) -> Path:
    """The folder of a training: only the same content, settings, models, code and kind of device lead to it.

    settings: names of the parameters that decide its outcome.  method: the module that trains.
    """
    device, precision = devices.pick(params.device, params.precision)
    chosen = params.model_dump(include={"method", "adapter", "rank", "seed", "train", *settings})
    key = [content, [cache.model_hash(model) for model in models], chosen, device.type, precision, cache.code(method)]
    return cache.root() / "training" / cache.fingerprint(*key)
