"""The one training loop: every model of s2i, the embedded base included, is trained by ``fit``."""

import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import torch
from accelerate import Accelerator
from accelerate.utils import parse_flag_from_env, send_to_device
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from s2i.core.errors import Stopped, UserError
from s2i.core.params import Optimisation
from s2i.training.batches import StepBatches
from s2i.training.checkpoints import Progress, folder_lock
from s2i.training.memory import explain_out_of_memory
from s2i.training.randomness import BatchRandom

SHARDING = ("ACCELERATE_USE_FSDP", "ACCELERATE_USE_DEEPSPEED", "ACCELERATE_USE_MEGATRON_LM")  # by accelerate launch


class Fitted(NamedTuple):
    """The step whose weights the model holds after a training, and the last step that was trained."""

    best: int
    last: int


Loss = Callable[[torch.nn.Module, dict, BatchRandom], torch.Tensor]


@explain_out_of_memory()
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
    with folder_lock(checkpoints, accelerator.is_main_process), _asked_to_stop() as stop:
        progress.resume()
        last_step = progress.step if progress.is_over(settings.patience) else settings.steps
        draws, parts = [], accelerator.num_processes * settings.accumulate
        for turn in range(settings.accumulate):
            draws.append(BatchRandom(device, accelerator.process_index * settings.accumulate + turn, parts))
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


def _as_is(batch):
    return batch
