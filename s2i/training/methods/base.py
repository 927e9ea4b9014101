"""The untouched base, from the words alone: what all training is compared with."""

from collections.abc import Iterable
from pathlib import Path

from s2i.core.files import write_json
from s2i.core.params import Params
from s2i.diffusion import base
from s2i.diffusion.image_cache import GenerationTask


def train(records: Iterable[dict], encoded: Path, target: Path, live: Path, params: Params) -> None:
    """Nothing is trained; the places of figures and plots stay empty."""
    write_json(live / "metrics.json", {})
    (live / "plots").mkdir(exist_ok=True)


def draw_task(examples: list[dict], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From each example's prompt."""
    return untouched(examples, params)


def untouched(examples: list[dict], params: Params) -> GenerationTask:
    """From each example's prompt."""
    return GenerationTask(examples, [params.base], lambda dtype: base.load(params.base, None, dtype))
