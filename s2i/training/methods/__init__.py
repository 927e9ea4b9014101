"""What ``method:`` selects.  Every module here has the same three functions.

train(records, encoded, target, live, params): learn from the records and the examples encoded of them, and write into
``target`` what it takes to draw; figures and images of the training go to ``live``.

draw_task(examples, trained, folder, params): a `DrawTask` of the examples by the model in ``trained``; ``folder`` takes
what it could not use.

untouched(examples, params): the same by the base as it was before, to compare with.
"""

from importlib import import_module
from types import ModuleType

METHODS = {
    "base": "s2i.training.methods.base",
    "controlnet": "s2i.training.methods.controlnet",
    "text_in_the_middle": "s2i.training.methods.text_in_the_middle",
    "dreambooth": "s2i.training.methods.dreambooth",
    "textual_inversion": "s2i.training.methods.textual_inversion",
}


def load(name: str) -> ModuleType:
    """The module of a method."""
    return import_module(METHODS[name])
