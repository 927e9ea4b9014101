"""Checkpoints of a training: written whole, with a hash, resumed bit for bit, one run at a time."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from s2i.core.errors import UserError, first_line
from s2i.core.files import whole_file
from s2i.core.messages import say
from s2i.training.run import TrainState

LAST, BEST = "last.safetensors", "best.safetensors"
SHA256 = "sha256"  # in a checkpoint's metadata: of its tensors
PROGRESS = (
    "step",
    "skipped_steps",
    "best_step",
    "best_figure",
    "validations_since_best",
)  # of the state, in a checkpoint's metadata


@contextmanager
def folder_lock(folder: Path, is_main: bool) -> Iterator[None]:
    """Hold the folder's lock, and clear what a killed run left half-written; raises UserError when another run does."""
    if not is_main:
        yield
        return
    lock = FileLock(Path(folder) / "lock", timeout=0)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        held = lock.acquire()
    except Timeout:
        raise UserError(f"another run of the same training writes to {folder}: wait for it, or stop it.") from None
    except OSError as error:
        raise UserError(f"no checkpoint can be written to {folder} ({first_line(error)}): make room for it.") from None
    with held:
        for half in Path(folder).glob(".*.safetensors"):
            half.unlink()
        yield


def save(state: TrainState) -> None:
    """Write what a resumed run needs: weights, optimiser moments, averaged weights, step and validations so far.

    Raises UserError when it cannot be written; the checkpoint before it stays.
    """
    progress = {name: getattr(state, name) for name in PROGRESS}
    if state.accelerator.scaler:
        progress["scaler"] = state.accelerator.scaler.state_dict()
    _write(state, LAST, _tensors(state), {"progress": json.dumps(progress)})
    state.saved_step = state.step


def save_best(state: TrainState) -> None:
    """Write the weights that the model holds, those of the best validation so far."""
    _write(state, BEST, {name: parameter.detach().contiguous() for name, parameter in state.parameters.items()})


def resume(state: TrainState) -> None:
    """Put the state where the last checkpoint left it, bit for bit; without a whole one it stays as it is."""
    path = state.run.checkpoints / LAST
    progress = _progress_if_whole(state.run.checkpoints)
    if progress is None:
        return
    with safe_open(path, "pt") as file:
        if scaler := progress.pop("scaler", None):
            state.accelerator.scaler.load_state_dict(scaler)
        vars(state).update(progress)
        for index, (name, parameter) in enumerate(state.parameters.items()):
            parameter.data.copy_(file.get_tensor(f"weight.{name}"))
            if state.ema:
                state.ema.shadow_params[index].copy_(file.get_tensor(f"ema.{name}"))
        for stored in file.keys():  # noqa: SIM118
            kind, _, rest = stored.partition(".")
            key, _, name = rest.partition(".")
            if kind == "optimizer":
                parameter = state.parameters[name]
                state.optimizer.state[parameter][key] = _from_tensor(file.get_tensor(stored), parameter.device)
    if state.ema:
        state.ema.optimization_step = state.step - state.skipped_steps
    _set_schedule(state)
    state.saved_step = state.step


def _progress_if_whole(folder: Path) -> dict[str, Any] | None:
    """How far a training came, if its last checkpoint, and the best one that it speaks of, are whole.

    One that is not is named, and the training begins anew: it ends where it would have ended.
    """
    path = folder / LAST
    if not path.exists():
        return None
    try:
        progress: dict[str, Any] = json.loads(_checked_metadata(path)["progress"])
        if progress["best_step"] is not None:
            path = folder / BEST
            _checked_metadata(path)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        say(f"the checkpoint {path} is damaged ({first_line(error)}): the training begins anew.")
        return None
    return progress


def _checked_metadata(path: Path) -> dict[str, str]:
    """The metadata of a checkpoint; raises ValueError where its tensors are not those that were saved.

    Checkpoints of earlier versions have no hash; of these only the format is checked.
    """
    with safe_open(path, "pt") as file:
        metadata: dict[str, str] = file.metadata() or {}
        names = sorted(file.keys())
        if SHA256 in metadata and metadata[SHA256] != _hash_of((name, file.get_tensor(name)) for name in names):
            raise ValueError("its SHA-256 differs")
    return metadata


def _hash_of(tensors: Iterable[tuple[str, torch.Tensor]]) -> str:
    """SHA-256 of tensors with their names, kinds and shapes, in their order."""
    digest = hashlib.sha256()
    for name, tensor in tensors:
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def load_best(state: TrainState) -> int:
    """Put the best weights into the model, else the averaged ones, else leave the last; the step they are of."""
    if state.best_step is not None:
        with safe_open(state.run.checkpoints / BEST, "pt") as file:
            for name, parameter in state.parameters.items():
                parameter.data.copy_(file.get_tensor(name))
        return state.best_step
    if state.ema:
        state.ema.copy_to(state.parameters.values())
    return state.step


def _set_schedule(state: TrainState) -> None:
    """Put the schedule of learning rates, and the rates themselves, where the updates so far have brought them."""
    lr_scheduler, updates = state.lr_scheduler, state.step - state.skipped_steps
    lr_scheduler.load_state_dict(lr_scheduler.state_dict() | {"last_epoch": updates, "_step_count": updates + 1})
    rates = [
        rate * factor(updates) for rate, factor in zip(lr_scheduler.base_lrs, lr_scheduler.lr_lambdas, strict=True)
    ]
    for group, rate in zip(state.optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    lr_scheduler._last_lr = rates


def _tensors(state: TrainState) -> dict[str, torch.Tensor]:
    tensors = {f"weight.{name}": parameter.detach() for name, parameter in state.parameters.items()}
    for name, parameter in state.parameters.items():
        for key, value in state.optimizer.state[parameter].items():
            tensors[f"optimizer.{key}.{name}"] = _as_tensor(value)
    if state.ema:
        tensors |= {
            f"ema.{name}": average for name, average in zip(state.parameters, state.ema.shadow_params, strict=True)
        }
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


def _write(
    state: TrainState, name: str, tensors: dict[str, torch.Tensor], metadata: Mapping[str, str] = MappingProxyType({})
) -> None:
    path = state.run.checkpoints / name
    try:
        with whole_file(path) as draft:
            save_file(tensors, draft, metadata={**metadata, SHA256: _hash_of(sorted(tensors.items()))})
    except (OSError, SafetensorError) as error:
        older = f"that of step {state.saved_step} is still there" if state.saved_step else "there is none yet"
        raise UserError(
            f"the checkpoint of step {state.step} could not be written to {path} ({first_line(error)}); "
            f"{older}: free some space and run again."
        ) from None


def _as_tensor(value: torch.Tensor | float) -> torch.Tensor:
    """What an optimiser remembers of a parameter as safetensors takes it: a tensor, and shared with no other."""
    tensor = torch.as_tensor(value)
    return tensor.clone() if tensor.numel() <= 256 else tensor  # as large as the tables that bitsandbytes shares


def _from_tensor(tensor: torch.Tensor, device: torch.device) -> torch.Tensor | int:
    """What `_as_tensor` was given; AdamW counts its steps in a tensor of floats, bitsandbytes in an int."""
    return int(tensor.item()) if tensor.dtype == torch.int64 else tensor.to(device)
