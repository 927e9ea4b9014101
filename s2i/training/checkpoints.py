"""Checkpoints of a training: written whole, resumed bit for bit, one run at a time."""

import json
import math
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list
from diffusers.training_utils import EMAModel
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from s2i.core.errors import UserError, first_line
from s2i.core.files import whole_file


@contextmanager
def folder_lock(folder: Path, is_main: bool):
    """Hold the folder's lock, and clear what a killed run left half-written; raises UserError when another run does."""
    if not is_main:
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(Path(folder) / "lock", timeout=0):
            for half in Path(folder).glob(".*.safetensors"):
                half.unlink()
            yield
    except Timeout:
        raise UserError(f"another run of the same training writes to {folder}: wait for it, or stop it.") from None


class Progress:
    """What a resumed run needs: weights, optimiser moments, EMA, step, and the best validation so far."""

    def __init__(
        self, folder: Path, trained: dict, optimizer, scheduler, ema: EMAModel | None, accelerator: Accelerator
    ):
        self.last, self.best = Path(folder) / "last.safetensors", Path(folder) / "best.safetensors"
        self.trained, self.optimizer, self.scheduler, self.ema = trained, optimizer, scheduler, ema
        self.accelerator = accelerator
        self.step, self.saved_step = 0, 0
        self.best_step, self.best_figure, self.validations_since_best = None, None, 0

    def _tensors(self) -> dict[str, torch.Tensor]:
        tensors = {f"weight.{name}": parameter.detach() for name, parameter in self.trained.items()}
        for name, parameter in self.trained.items():
            for key, value in self.optimizer.state[parameter].items():
                tensors[f"optimizer.{key}.{name}"] = _kept(value)
        if self.ema:
            tensors |= {
                f"ema.{name}": shadow for name, shadow in zip(self.trained, self.ema.shadow_params, strict=True)
            }
        return {name: tensor.contiguous() for name, tensor in tensors.items()}

    def save(self) -> None:
        kept = ("step", "best_step", "best_figure", "validations_since_best")
        state = {name: getattr(self, name) for name in kept}
        if self.accelerator.scaler:
            state["scaler"] = self.accelerator.scaler.state_dict()
        self._write(self.last, self._tensors(), {"progress": json.dumps(state)})
        self.saved_step = self.step

    def _write(self, file: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str] | None = None) -> None:
        try:
            with whole_file(file) as draft:
                save_file(tensors, draft, metadata=metadata)
        except (OSError, SafetensorError) as error:
            kept = f"that of step {self.saved_step} is still there" if self.saved_step else "there is none yet"
            raise UserError(
                f"the checkpoint of step {self.step} could not be written to {file} ({first_line(error)}); "
                f"{kept}: free some space and run again."
            ) from None

    def resume(self) -> None:
        if not self.last.exists():
            return
        with safe_open(self.last, "pt") as file:
            state = json.loads(file.metadata()["progress"])
            if scaler := state.pop("scaler", None):
                self.accelerator.scaler.load_state_dict(scaler)
            vars(self).update(state)
            for index, (name, parameter) in enumerate(self.trained.items()):
                parameter.data.copy_(file.get_tensor(f"weight.{name}"))
                if self.ema:
                    self.ema.shadow_params[index].copy_(file.get_tensor(f"ema.{name}"))
            for stored in file.keys():  # noqa: SIM118
                kind, _, rest = stored.partition(".")
                key, _, name = rest.partition(".")
                if kind == "optimizer":
                    parameter = self.trained[name]
                    self.optimizer.state[parameter][key] = _restored(file.get_tensor(stored), parameter.device)
        if self.ema:
            self.ema.optimization_step = self.step
        self.scheduler.load_state_dict(
            self.scheduler.state_dict() | {"last_epoch": self.step, "_step_count": self.step + 1}
        )
        rates = [
            rate * share(self.step)
            for rate, share in zip(self.scheduler.base_lrs, self.scheduler.lr_lambdas, strict=True)
        ]
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self.scheduler._last_lr = rates
        self.saved_step = self.step

    def is_over(self, patience: int | None) -> bool:
        return patience is not None and self.validations_since_best >= patience

    def judge(self, validate: Callable[[int], float]) -> None:
        """Validate in the main process, and tell the others."""
        if self.ema:
            self.ema.store(self.trained.values())
            self.ema.copy_to(self.trained.values())
        is_main = self.accelerator.is_main_process
        (figure,) = broadcast_object_list([validate(self.step) if is_main else None])
        if not math.isfinite(figure):
            raise UserError(
                f"the validation at step {self.step} gave {figure}: lower train.learning_rate, or set precision to "
                "fp32 in params.yaml."
            )
        if self.best_figure is None or figure < self.best_figure:
            self.best_step, self.best_figure, self.validations_since_best = self.step, figure, 0
            if is_main:
                self._write(self.best, {name: one.detach().contiguous() for name, one in self.trained.items()})
        else:
            self.validations_since_best += 1
        if self.ema:
            self.ema.restore(self.trained.values())
        self.accelerator.wait_for_everyone()  # or the others would look for the best weights before they are there

    def finish(self) -> int:
        """Put the best weights into the model, else the averaged ones, else leave the last."""
        if self.best_step is not None:
            with safe_open(self.best, "pt") as file:
                for name, parameter in self.trained.items():
                    parameter.data.copy_(file.get_tensor(name))
            return self.best_step
        if self.ema:
            self.ema.copy_to(self.trained.values())
        return self.step


def _kept(value: torch.Tensor | float) -> torch.Tensor:
    """What an optimizer remembers of a parameter as safetensors takes it: a tensor, and shared with no other."""
    tensor = torch.as_tensor(value)
    return tensor.clone() if tensor.numel() <= 256 else tensor  # as large as the tables that bitsandbytes shares


def _restored(tensor: torch.Tensor, device: torch.device) -> torch.Tensor | int:
    """What `_kept` was given; AdamW counts its steps in a tensor of floats, bitsandbytes in an int."""
    return tensor.item() if tensor.dtype == torch.int64 else tensor.to(device)
