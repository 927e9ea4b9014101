"""Validation while a model trains: which weights are the best, and whether more steps are worth it."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from accelerate.utils import broadcast_object_list

from s2i.core.errors import UserError
from s2i.training import checkpoints
from s2i.training.run import TrainState


def validate(state: TrainState, figure_of: Callable[[int], float]) -> None:
    """Compute a step's figure in the main process, tell it to the others, and keep the weights if they are the best.

    figure_of: see `Run.validate`; it sees the averaged weights where there are any.
    Raises UserError when the figure is no finite number.
    """
    accelerator = state.accelerator
    with averaged_weights(state):
        (figure,) = broadcast_object_list([figure_of(state.step) if accelerator.is_main_process else None])
        if not math.isfinite(figure):
            raise UserError(
                f"the validation at step {state.step} gave {figure}: lower train.learning_rate, or set precision to "
                "fp32 in params.yaml."
            )
        if state.best_figure is None or figure < state.best_figure:
            state.best_step, state.best_figure, state.validations_since_best = state.step, figure, 0
            if accelerator.is_main_process:
                checkpoints.save_best(state)
        else:
            state.validations_since_best += 1
    accelerator.wait_for_everyone()  # or the others would look for the best weights before they are there


@contextmanager
def averaged_weights(state: TrainState) -> Iterator[None]:
    """The averaged weights in the place of the last, where a run averages them."""
    if state.ema:
        state.ema.store(state.parameters.values())
        state.ema.copy_to(state.parameters.values())
    try:
        yield
    finally:
        if state.ema:
            state.ema.restore(state.parameters.values())


def is_over(state: TrainState) -> bool:
    """Whether validation has not improved for as long as the run has patience."""
    patience = state.run.settings.patience
    return patience is not None and state.validations_since_best >= patience
