"""The one training loop: every model of s2i, the embedded base included, is trained by ``fit``."""

import json
import math
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, parse_flag_from_env, send_to_device
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from s2i.draws import Draws, mixed
from s2i.errors import Stopped, UserError, first_line
from s2i.files import whole_file
from s2i.params import Optimisation

SHARDING = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_MEGATRON_LM")  # by accelerate launch


class Fitted(NamedTuple):
    """The step whose weights the model holds after a training, and the last step that was trained."""

    best: int
    last: int


Loss = Callable[[torch.nn.Module, dict, Draws], torch.Tensor]


@contextmanager
def enough_memory():
    """Raise UserError, which says what to turn, when the memory of the device does not suffice."""
    try:
        yield
    except RuntimeError as error:
        if not any(said in str(error) for said in ("out of memory", "can't allocate memory")):
            raise
        raise UserError(
            "the training does not fit into memory: raise train.accumulate, which cuts a batch into smaller "
            "parts, set train.gradient_checkpointing to true, or lower resolution in params.yaml."
        ) from None


@enough_memory()
def fit(
    model: torch.nn.Module,
    loss: Loss,
    dataset: Dataset,
    settings: Optimisation,
    checkpoints: Path,
    *,
    device: torch.device,
    precision: str,
    seed: int = 0,
    rate_of: Callable[[str], float] | None = None,
    validate: Callable[[int], float] | None = None,
    log: Callable[[int, dict], None] | None = None,
    description: str = "train",
) -> Fitted:
    """Train the parameters of ``model`` that require gradients: AdamW, linear warm-up, then cosine to zero.

    loss(model, batch, draws) is a scalar; all its randomness must come from ``draws``, which are seeded by the step.
    So a run that was interrupted goes on from ``checkpoints`` and ends where it would have ended, and several
    processes (accelerate launch), or gradients accumulated over ``settings.accumulate`` parts of a batch, see what one
    process with the whole batch would.
    rate_of: learning rate of a parameter by its name, where it is not ``settings.learning_rate``.
    validate(step) is a figure to be minimised: the best weights are kept, and ``settings.patience`` validations
    without improvement end the training.
    Raises UserError when loss, gradient or validation is no finite number, when another run trains in ``checkpoints``,
    when a checkpoint cannot be written, when memory or the optimizer's package is missing, under FSDP, DeepSpeed and
    Megatron-LM, and, after a checkpoint was written, when it is asked to stop (SIGTERM, SIGINT).
    """
    if any(map(parse_flag_from_env, SHARDING)):
        raise UserError(
            "FSDP, DeepSpeed and Megatron-LM are not supported, as no process would have the weights whole: give "
            "accelerate distributed_type MULTI_GPU, see docs/training-on-many-devices.md."
        )
    accelerator = Accelerator(mixed_precision={"fp32": "no"}.get(precision, precision), cpu=device.type == "cpu")
    model.to(device)
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    rates = {name: rate_of(name) if rate_of else settings.learning_rate for name in trained}
    groups = [
        {"params": [trained[name] for name in trained if rates[name] == rate], "lr": rate}
        for rate in sorted(set(rates.values()), reverse=True)
    ]
    optimizer = _optimizer(groups, settings, device)
    scheduler = get_cosine_schedule_with_warmup(optimizer, settings.warmup_steps, settings.steps)
    ema = EMAModel(trained.values(), decay=settings.ema_decay) if settings.ema_decay else None
    progress = Progress(checkpoints, trained, optimizer, scheduler, ema, accelerator)
    with alone_in(checkpoints, accelerator.is_main_process), _asked_to_stop() as stop:
        progress.resume()
        last_step = progress.step if progress.is_over(settings.patience) else settings.steps
        draws, parts = [], accelerator.num_processes * settings.accumulate
        for turn in range(settings.accumulate):
            draws.append(Draws(device, accelerator.process_index * settings.accumulate + turn, parts))
        batches = StepBatches(len(dataset), settings.batch_size, seed, progress.step, last_step, draws)
        # Datasets that give whole batches need no collating.
        collate = _as_is if hasattr(dataset, "__getitems__") else None
        loader = iter(DataLoader(dataset, batch_sampler=batches, collate_fn=collate))
        prepared, stepper = accelerator.prepare(model, optimizer)

        shown = accelerator.is_main_process
        steps = range(progress.step, last_step)
        bar = tqdm(steps, description, initial=progress.step, total=settings.steps, unit="step", disable=not shown)
        for _ in bar:
            total = torch.zeros((), device=device)
            for turn, share in enumerate(draws):
                batch = send_to_device(next(loader), device)
                share.seed(seed, progress.step)
                # Gradients of several processes are brought together with the last part of a batch alone.
                last = turn == settings.accumulate - 1
                with nullcontext() if last else accelerator.no_sync(prepared):
                    with accelerator.autocast():
                        value = loss(prepared, batch, share) / settings.accumulate
                    accelerator.backward(value)
                total += value.detach()
            asked = torch.tensor(float(stop.is_set()), device=device)
            total, asked = accelerator.reduce(torch.stack([total, asked]), "mean").tolist()
            gradient_norm = accelerator.clip_grad_norm_(trained.values(), settings.max_gradient_norm).item()
            # With a gradient scaler, which fp16 has, a gradient out of range is no accident: its step is left out.
            if not math.isfinite(total) or not (accelerator.scaler or math.isfinite(gradient_norm)):
                raise UserError(_diverged(total, gradient_norm, progress))
            rate = scheduler.get_last_lr()[0]
            stepper.step()
            scheduler.step()
            stepper.zero_grad()
            progress.step += 1
            if ema:
                ema.step(trained.values())
            bar.set_postfix(loss=f"{total:.4f}", refresh=False)
            if log and shown:
                log(progress.step, {"loss": total, "learning_rate": rate, "gradient_norm": gradient_norm})
            if validate and progress.step % settings.validate_every == 0:
                progress.judge(validate)
            over = progress.is_over(settings.patience)
            stopping = asked > 0 or (accelerator.num_processes == 1 and stop.is_set())  # all of them in the same step
            if shown and (stopping or over or progress.step % settings.checkpoint_every == 0):
                progress.save()
            if stopping:
                raise Stopped(f"stopped at step {progress.step} as asked; the same command goes on from there.")
            if over:
                break
        if shown and progress.saved_step != progress.step:
            progress.save()
    return Fitted(progress.finish(), progress.step)


def _optimizer(groups: list[dict], settings: Optimisation, device: torch.device) -> torch.optim.Optimizer:
    """AdamW, its moments in 32 or in 8 bits (Dettmers et al. 2022, "8-bit optimizers via block-wise quantization")."""
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, weight_decay=settings.weight_decay, fused=True)
    if device.type == "cuda" and find_spec("bitsandbytes"):
        from bitsandbytes.optim import AdamW8bit

        return AdamW8bit(groups, weight_decay=settings.weight_decay)
    raise UserError(
        "train.optimizer is adamw8bit, which needs a CUDA GPU and the package bitsandbytes "
        '(pip install -e ".[8bit]"): have both, or set it to adamw in params.yaml.'
    )


def _diverged(loss: float, gradient_norm: float, progress: "Progress") -> str:
    value = f"loss is {loss}" if not math.isfinite(loss) else f"gradient's norm is {gradient_norm}"
    kept = f"the checkpoint of step {progress.saved_step} is kept" if progress.saved_step else "nothing was kept"
    return (
        f"the {value} at step {progress.step + 1}, {kept}: lower train.learning_rate or "
        "train.max_gradient_norm, or set precision to fp32 in params.yaml, and train anew."
    )


@contextmanager
def alone_in(folder: Path, is_main: bool):
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


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; a second SIGINT ends the program as ever."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, frame) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StepBatches(Sampler):
    """Index batches that are a function of the step alone, so that a resumed run sees what it would have seen.

    draws: one for each part of a batch that is computed here, which says which part of how many; None is all of it.
    Raises UserError when a batch cannot be divided so.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        first_step: int,
        last_step: int,
        draws: Sequence[Draws] | None = None,
    ):
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.first_step, self.last_step = first_step, last_step
        self.places = [(draw.part, draw.parts) for draw in draws] if draws else [(0, 1)]
        parts = self.places[0][1]
        if batch_size % parts:
            raise UserError(
                f"train.batch_size {batch_size} cannot be divided into {parts} parts, the processes times "
                "train.accumulate: make it a multiple of them."
            )

    def __len__(self) -> int:
        return max(0, self.last_step - self.first_step) * len(self.places)

    def __iter__(self) -> Iterator[list[int]]:
        orders: dict[int, list[int]] = {}
        for step in range(self.first_step, self.last_step):
            wanted = range(step * self.batch_size, (step + 1) * self.batch_size)
            epochs = {place // self.size for place in wanted}
            orders = {epoch: orders.get(epoch) or self._order(epoch) for epoch in epochs}
            batch = [orders[place // self.size][place % self.size] for place in wanted]
            for part, parts in self.places:
                share = self.batch_size // parts
                yield batch[part * share : (part + 1) * share]

    def _order(self, epoch: int) -> list[int]:
        generator = torch.Generator().manual_seed(mixed(self.seed, epoch))
        return torch.randperm(self.size, generator=generator).tolist()


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


def _as_is(batch):
    return batch
