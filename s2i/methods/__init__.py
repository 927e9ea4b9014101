"""What ``method:`` selects.  Every module here has the same three functions.

train(records, encoded, target, live, params): learn from the records and the examples encoded of them, and write into
``target`` what it takes to draw; figures and pictures of the training go to ``live``.

draw_task(examples, trained, folder, params): a `DrawTask` of the examples by the model in ``trained``; ``folder`` takes
what it could not use.

untouched(examples, params): the same by the base as it was before, to compare with.
"""

from importlib import import_module
from types import ModuleType


def load(name: str) -> ModuleType:
    """The module of a method."""
    return import_module(f"{__name__}.{name}")
