"""The one training loop: every model of s2i, the embedded base included, is trained by `fit`.

A step is data, noise, prediction, loss and update (`train_step`); after each one `fit` logs, validates, saves.
What leads to the first step stands in `preparation`, what a `Run` is made of in `run`.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext

import torch
from accelerate.utils import send_to_device
from tqdm import tqdm

from s2i.core.errors import Stopped, UserError
from s2i.core.parallel import is_main_process
from s2i.training import checkpoints
from s2i.training.memory import explain_out_of_memory
from s2i.training.preparation import prepare
from s2i.training.run import Batch, Fitted, Run, StepResult, TrainState
from s2i.training.signals import any_process_asked, stop_on_signal
from s2i.training.validation import is_over, validate

TrainStep = Callable[[TrainState, Iterator[Batch]], StepResult]


def train_step(state: TrainState, batches: Iterator[Batch]) -> StepResult:
    """Update the weights once, by the gradients of one batch."""
    run, accelerator = state.run, state.accelerator
    loss = torch.zeros((), device=run.device)
    for number, rng in enumerate(state.rngs, start=1):
        # Data: all of the batch, or a part of it where it is accumulated or spread over processes.
        batch = send_to_device(next(batches), run.device)

        # Noise: the loss draws it from random numbers that follow from the step alone, so a resumed run sees the same.
        rng.seed(run.seed, state.step)

        # Prediction, loss, gradients; processes exchange these with the last part alone.
        with nullcontext() if number == len(state.rngs) else accelerator.no_sync(state.model):
            with accelerator.autocast():
                part_loss = run.loss(state.model, batch, rng) / len(state.rngs)
            accelerator.backward(part_loss)
        loss += part_loss.detach()

    # Step
    mean_loss = accelerator.reduce(loss, "mean").item()
    gradient_norm = accelerator.clip_grad_norm_(state.parameters.values(), run.settings.max_gradient_norm).item()
    _refuse_divergence(state, mean_loss, gradient_norm)
    learning_rate = float(state.lr_scheduler.get_last_lr()[0])
    scale = accelerator.scaler.get_scale() if accelerator.scaler else 0.0
    state.optimizer.step()
    state.optimizer.zero_grad()
    if accelerator.scaler and accelerator.scaler.get_scale() < scale:
        # Gradients out of range, so the weights stayed.  accelerate's step_was_skipped does not see it: fused AdamW is
        # called all the same, and leaves the step out itself.
        state.skipped_steps += 1
    else:
        state.lr_scheduler.step()
        if state.ema:
            state.ema.step(state.parameters.values())
    state.step += 1
    return StepResult(mean_loss, learning_rate, gradient_norm)


@explain_out_of_memory()
def fit(run: Run, step: TrainStep = train_step) -> Fitted:
    """Train a model: AdamW, linear warm-up, then cosine to zero.

    A run that was interrupted goes on from its checkpoints and ends where it would have ended, and several processes
    (accelerate launch), or gradients accumulated over parts of a batch, see what one process with the whole batch
    would.
    step: what one step is; it counts ``state.step`` on.
    Raises UserError when loss, gradient or validation is no finite number, when another run trains in the same folder,
    when a checkpoint cannot be written, when memory or the optimiser's package is missing, under FSDP, DeepSpeed and
    Megatron-LM, and, after a checkpoint was written, when it is asked to stop (SIGTERM, SIGINT).
    """
    is_main, settings = is_main_process(), run.settings
    with checkpoints.folder_lock(run.checkpoints, is_main), stop_on_signal() as stop:
        state = prepare(run)
        steps = range(state.step, state.step if is_over(state) else settings.steps)
        batches = run.load_batches(run.examples, settings, run.seed, steps, state.rngs)
        bar = tqdm(steps, run.description, initial=state.step, total=settings.steps, unit="step", disable=not is_main)
        for _ in bar:
            # Data, noise, prediction, loss, step
            result = step(state, batches)

            # Log
            bar.set_postfix(loss=f"{result.loss:.4f}", refresh=False)
            if run.log and is_main:
                run.log(state.step, result._asdict())

            # Validate
            if run.validate and state.step % settings.validate_every == 0:
                validate(state, run.validate)

            # Save
            asked, over = any_process_asked(stop, state.accelerator), is_over(state)
            if is_main and (asked or over or state.step % settings.checkpoint_every == 0):
                checkpoints.save(state)

            # Stop
            if asked:
                sentence = f"stopped at step {state.step} as asked; the same command goes on from there."
                raise Stopped(sentence, stop.number)
            if over:
                break
        if is_main and state.saved_step != state.step:
            checkpoints.save(state)
        return Fitted(best=checkpoints.load_best(state), last=state.step)


def _refuse_divergence(state: TrainState, loss: float, gradient_norm: float) -> None:
    """Raise UserError when the loss, or the gradient, is no finite number.

    With a gradient scaler, which fp16 has, a gradient out of range is no accident: its step is left out.
    """
    if math.isfinite(loss) and (state.accelerator.scaler or math.isfinite(gradient_norm)):
        return
    value = f"loss is {loss}" if not math.isfinite(loss) else f"gradient's norm is {gradient_norm}"
    checkpoint = f"the checkpoint of step {state.saved_step} is kept" if state.saved_step else "nothing was kept"
    raise UserError(
        f"the {value} at step {state.step + 1}, {checkpoint}: lower train.learning_rate or "
        "train.max_gradient_norm, or set precision to fp32 in params.yaml, and train anew."
    )
