"""Memory exhausted, as one sentence that names what to turn."""

from collections.abc import Iterator
from contextlib import contextmanager

from s2i.core.errors import UserError

MESSAGES = ("out of memory", "can't allocate memory")  # torch's, on a GPU and on a CPU


@contextmanager
def explain_out_of_memory() -> Iterator[None]:
    """Raise UserError, which says what to turn, when the memory of the device does not suffice."""
    try:
        yield
    except RuntimeError as error:
        if not any(message in str(error) for message in MESSAGES):
            raise
        raise UserError(
            "the training does not fit into memory: raise train.accumulate, which cuts a batch into smaller "
            "parts, set train.gradient_checkpointing to true, or lower resolution in params.yaml."
        ) from None
