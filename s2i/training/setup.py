"""What the trainings of all methods have in common: models set up to train, and where one goes on from."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from torch import nn

from s2i.core import cache, devices
from s2i.core.parallel import is_main_process
from s2i.core.params import Params, Train
from s2i.diffusion import adapters, model_folder, placement
from s2i.diffusion.controlnets import controlnets_of
from s2i.diffusion.placement import HeldInPrecision
from s2i.training.batches import Examples
from s2i.training.checkpoints import folder_lock
from s2i.training.loop import fit
from s2i.training.run import Fitted, Loss, Run
from s2i.training.tracking import Tracker, open_tracker

Network: TypeAlias = UNet2DConditionModel | ControlNetModel


def prepare_models(
    trained: Sequence[Network], frozen: Sequence[Network], train: Train, device: torch.device, precision: str
) -> list[HeldInPrecision]:
    """Have UNets and ControlNets compute on a device as the parameters say, those that train in place.

    frozen: models of which no weight trains; what is returned takes their place.
    """
    for model in (*trained, *frozen):
        if train.gradient_checkpointing:
            model.enable_gradient_checkpointing()
        if train.compile:
            model.forward = torch.compile(model.forward)
    frozen_precision = precision if train.frozen == "auto" else train.frozen
    held = [HeldInPrecision(model.requires_grad_(False), frozen_precision) for model in frozen]
    placement.move_to(device, *trained, *frozen, channels_last=train.channels_last)
    return held


@dataclass
class TrainingSession:
    """The trainings of a method, one or several in turn: all tracked in one place, their steps counted on.

    checkpoints: the folder of them all.  fitted: of the trainings so far, steps counted from the first on.
    """

    params: Params
    checkpoints: Path
    tracker: Tracker
    fitted: Fitted = field(default_factory=lambda: Fitted(0, 0))

    def fit(
        self, model: nn.Module, loss: Loss, examples: Examples, name: str, seed_offset: int = 0, **pieces: Any
    ) -> None:
        """Train a model with checkpoints in a folder of that name.

        seed_offset: added to the seed of the training, so that trainings in turn differ.
        pieces: of the `Run`, where they are not those of ``params.train``.
        """
        device, precision = devices.pick(self.params.device, self.params.precision)
        first_step = self.fitted.last
        pieces = {"settings": self.params.train} | pieces
        run = Run(
            model,
            loss,
            examples,
            checkpoints=self.checkpoints / name,
            device=device,
            precision=precision,
            seed=self.params.training_seed + seed_offset,
            log=lambda step, figures: self.tracker.figures(first_step + step, figures),
            **pieces,
        )
        fitted = fit(run)
        self.fitted = Fitted(first_step + fitted.best, first_step + fitted.last)


@contextmanager
def open_session(checkpoints: Path, log_dir: Path, params: Params) -> Iterator[TrainingSession]:
    """A session that is alone in its folder; in the end its figures and images are copied to ``log_dir``.

    Raises UserError when another run trains in the folder.
    """
    with (
        folder_lock(checkpoints, is_main_process()),
        open_tracker(params.train.tracker, checkpoints / "live", params.model_dump()) as tracker,
    ):
        yield TrainingSession(params, checkpoints, tracker)
    if is_main_process():
        shutil.copytree(checkpoints / "live", log_dir, dirs_exist_ok=True)


def checkpoint_folder(
    params: Params, settings: set[str], models: Sequence[str | Path], method: str, *content: Any
) -> Path:
    """The folder of a training: only the same content, settings, models, code and kind of device lead to it.

    settings: names of the parameters that decide its outcome.  method: the module that trains.
    """
    device, precision = devices.pick(params.device, params.precision)
    chosen = params.model_dump(include={"method", "adapter", "rank", "seed", "train", *settings})
    key = [content, [cache.model_hash(model) for model in models], chosen, device.type, precision, cache.code(method)]
    return cache.root() / "training" / cache.fingerprint(*key)


def save_controlnets(
    controlnet: ControlNetModel | MultiControlNetModel, target: Path, projections: bool = False
) -> None:
    """Write each ControlNet, merged, into target/controlnet, and its adapter into target/adapter; see `adapters.save`.

    The second and further ones have their numbers in the names, as diffusers has them.
    """
    controlnets = controlnets_of(controlnet)
    paths = model_folder.controlnet_folders(target, len(controlnets))
    for model, path in zip(controlnets, paths, strict=True):
        adapters.save(model, path, path.with_name(path.name.replace("controlnet", "adapter")), projections)
