"""What every method does, and where to get one by its name."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from s2i.core.params import Params
from s2i.diffusion.image_cache import GenerationTask
from s2i.training.methods import METHODS


class Method(Protocol):
    """The functions that every module of `METHODS` has."""

    def train(
        self, records: Iterable[dict[str, Any]], encoded: Path, target: Path, log_dir: Path, params: Params
    ) -> None:
        """Learn from records, and from the examples encoded of them, and write into ``target`` what it takes to draw.

        Figures and images of the training go to ``log_dir``.
        """

    def generation_task(
        self, examples: list[dict[str, Any]], trained: Path, folder: Path, params: Params
    ) -> GenerationTask:
        """To draw the examples by the model in ``trained``; ``folder`` takes what could not be used of them."""

    def untouched_task(self, examples: list[dict[str, Any]], params: Params) -> GenerationTask:
        """To draw them by the base as it was before the training, to compare with."""


def load_method(name: str) -> Method:
    """The module of a method; only this one's imports, which may take seconds, are waited for."""
    return cast(Method, import_module(METHODS[name]))
