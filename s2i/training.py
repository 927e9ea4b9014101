"""The one training loop: every model of s2i, the embedded base included, is trained by ``fit``."""

import json
import math
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, send_to_device
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from filelock import FileLock, Timeout
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.utils.data import DataLoader, Dataset, Sampler
from tqdm import tqdm

from s2i.draws import Draws
from s2i.errors import UserError, first_line
from s2i.files import whole_file
from s2i.params import Optimisation

Loss = Callable[[torch.nn.Module, dict, Draws], torch.Tensor]


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
) -> int:
    """Train the parameters of ``model`` that require gradients; AdamW, linear warm-up, then cosine to zero.

    loss(model, batch, draws) is a scalar; all its randomness must come from ``draws``, which are seeded by the step.
    So a run that was interrupted goes on from ``checkpoints`` and ends where it would have ended, and several
    processes (accelerate launch), or gradients accumulated over ``settings.accumulate`` parts of a batch, see what one
    process with the whole batch would.
    rate_of: learning rate of a parameter by its name, where it is not ``settings.learning_rate``.
    validate(step) is a figure to be minimised: the best weights are kept, and ``settings.patience`` validations
    without improvement end the training.  Returns the step whose weights ``model`` holds at the end.
    Raises UserError when the loss is no number, when another run trains in ``checkpoints``, when a checkpoint cannot
    be written, and, after one was, when it is asked to stop (SIGTERM, SIGINT).
    """
    accelerator = Accelerator(mixed_precision={"fp32": "no"}.get(precision, precision), cpu=device.type == "cpu")
    model.to(device)
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    rates = {name: rate_of(name) if rate_of else settings.learning_rate for name in trained}
    groups = [
        {"params": [trained[name] for name in trained if rates[name] == rate], "lr": rate}
        for rate in sorted(set(rates.values()), reverse=True)
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=settings.weight_decay, fused=True)
    scheduler = get_cosine_schedule_with_warmup(optimizer, settings.warmup_steps, settings.steps)
    ema = EMAModel(trained.values(), decay=settings.ema_decay) if settings.ema_decay else None
    progress = Progress(checkpoints, trained, optimizer, scheduler, ema)
    with _alone_in(checkpoints, accelerator.is_main_process), _asked_to_stop() as stop:
        progress.resume()
        last_step = progress.step if progress.is_over(settings.patience) else settings.steps
        draws, parts = [], accelerator.num_processes * settings.accumulate
        for turn in range(settings.accumulate):
            draws.append(Draws(device, accelerator.process_index * settings.accumulate + turn, parts))
        batches = StepBatches(len(dataset), settings.batch_size, seed, progress.step, last_step, draws)
        # Datasets that give whole batches need no collating.
        collate = _as_is if hasattr(dataset, "__getitems__") else None
        loader = iter(DataLoader(dataset, batch_sampler=batches, collate_fn=collate))
        prepared = accelerator.prepare(model)

        shown = accelerator.is_main_process
        steps = range(progress.step, last_step)
        bar = tqdm(steps, description, initial=progress.step, total=settings.steps, unit="step", disable=not shown)
        for _ in bar:
            total = torch.zeros((), device=device)
            for turn, share in enumerate(draws):
                batch = send_to_device(next(loader), device)
                share.seed((seed << 32) + progress.step)
                with accelerator.autocast():
                    value = loss(prepared, batch, share) / settings.accumulate
                with _synchronised(accelerator, prepared, turn == settings.accumulate - 1):
                    accelerator.backward(value)
                total += value.detach()
            total = accelerator.reduce(total, "mean").item()
            if not math.isfinite(total):
                raise UserError(_diverged(total, progress))
            gradient_norm = accelerator.clip_grad_norm_(trained.values(), settings.max_gradient_norm)
            rate = scheduler.get_last_lr()[0]
            optimizer.step()
            scheduler.step()
            optimizer.zero_grad()
            progress.step += 1
            if ema:
                ema.step(trained.values())
            bar.set_postfix(loss=f"{total:.4f}", refresh=False)
            if log and shown:
                log(progress.step, {"loss": total, "learning_rate": rate, "gradient_norm": gradient_norm.item()})
            if validate and progress.step % settings.validate_every == 0:
                progress.judge(validate, accelerator)
                if progress.is_over(settings.patience):
                    break
            if shown and (stop.is_set() or progress.step % settings.checkpoint_every == 0):
                progress.save()
            if stop.is_set():
                raise UserError(f"stopped at step {progress.step} as asked; the same command goes on from there.")
        if shown and progress.saved_step != progress.step:
            progress.save()
    return progress.finish()


def _synchronised(accelerator: Accelerator, model: torch.nn.Module, last: bool):
    """Gradients of several processes are brought together with the last part of a batch alone."""
    return nullcontext() if last else accelerator.no_sync(model)


def _diverged(value: float, progress: "Progress") -> str:
    kept = f"the checkpoint of step {progress.saved_step} is kept" if progress.saved_step else "nothing was kept"
    return (
        f"the loss is {value} at step {progress.step + 1}, {kept}: lower train.learning_rate or "
        "train.max_gradient_norm, or set precision to fp32 in params.yaml."
    )


@contextmanager
def _alone_in(folder: Path, is_main: bool):
    """Hold the folder's lock; raises UserError when another run does."""
    if not is_main:
        yield
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(Path(folder) / "lock", timeout=0):
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
        return torch.randperm(self.size, generator=torch.Generator().manual_seed(self.seed + epoch)).tolist()


class Progress:
    """What a resumed run needs: weights, optimiser moments, EMA, step, and the best validation so far."""

    def __init__(self, folder: Path, trained: dict, optimizer, scheduler, ema: EMAModel | None):
        self.last, self.best = Path(folder) / "last.safetensors", Path(folder) / "best.safetensors"
        self.trained, self.optimizer, self.scheduler, self.ema = trained, optimizer, scheduler, ema
        self.step, self.saved_step = 0, 0
        self.best_step, self.best_figure, self.validations_since_best = None, None, 0

    def _tensors(self) -> dict[str, torch.Tensor]:
        tensors = {f"weight.{name}": parameter.detach() for name, parameter in self.trained.items()}
        for name, parameter in self.trained.items():
            for moment in ("exp_avg", "exp_avg_sq"):
                if moment in self.optimizer.state[parameter]:
                    tensors[f"{moment}.{name}"] = self.optimizer.state[parameter][moment]
        if self.ema:
            tensors |= {
                f"ema.{name}": shadow for name, shadow in zip(self.trained, self.ema.shadow_params, strict=True)
            }
        return {name: tensor.contiguous() for name, tensor in tensors.items()}

    def save(self) -> None:
        kept = ("step", "best_step", "best_figure", "validations_since_best")
        state = json.dumps({name: getattr(self, name) for name in kept})
        try:
            with whole_file(self.last) as draft:
                save_file(self._tensors(), draft, metadata={"progress": state})
        except (OSError, SafetensorError) as error:
            kept = f"that of step {self.saved_step} is still there" if self.saved_step else "there is none yet"
            raise UserError(
                f"the checkpoint of step {self.step} could not be written to {self.last} ({first_line(error)}); "
                f"{kept}: free some space and run again."
            ) from None
        self.saved_step = self.step

    def resume(self) -> None:
        if not self.last.exists():
            return
        with safe_open(self.last, "pt") as file:
            vars(self).update(json.loads(file.metadata()["progress"]))
            for index, (name, parameter) in enumerate(self.trained.items()):
                parameter.data.copy_(file.get_tensor(f"weight.{name}"))
                if f"exp_avg.{name}" in file.keys():  # noqa: SIM118
                    moments = {moment: file.get_tensor(f"{moment}.{name}") for moment in ("exp_avg", "exp_avg_sq")}
                    moments["step"] = torch.tensor(float(self.step))
                    self.optimizer.state[parameter] = {
                        key: value.to(parameter.device) for key, value in moments.items()
                    }
                if self.ema:
                    self.ema.shadow_params[index].copy_(file.get_tensor(f"ema.{name}"))
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

    def judge(self, validate: Callable[[int], float], accelerator: Accelerator) -> None:
        """Validate in the main process, and tell the others."""
        if self.ema:
            self.ema.store(self.trained.values())
            self.ema.copy_to(self.trained.values())
        (figure,) = broadcast_object_list([validate(self.step) if accelerator.is_main_process else None])
        if self.best_figure is None or figure < self.best_figure:
            self.best_step, self.best_figure, self.validations_since_best = self.step, figure, 0
            if accelerator.is_main_process:
                weights = {name: parameter.detach().contiguous() for name, parameter in self.trained.items()}
                with whole_file(self.best) as draft:
                    save_file(weights, draft)
        else:
            self.validations_since_best += 1
        if self.ema:
            self.ema.restore(self.trained.values())

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


def _as_is(batch):
    return batch
