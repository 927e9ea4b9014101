"""Memory exhausted, said as one sentence that names what to turn."""

from contextlib import contextmanager

from s2i.core.errors import UserError


@contextmanager
def explain_out_of_memory():
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
