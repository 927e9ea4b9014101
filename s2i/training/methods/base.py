"""The untouched base, from the prompts alone: what all training is compared with."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from s2i.core.files import write_json
from s2i.core.params import Params
from s2i.diffusion import base
from s2i.diffusion.image_cache import GenerationTask


def train(records: Iterable[dict[str, Any]], encoded: Path, target: Path, log_dir: Path, params: Params) -> None:
    """Nothing is trained; the folders of figures and plots stay empty."""
    write_json(log_dir / "metrics.json", {})
    (log_dir / "plots").mkdir(exist_ok=True)


def generation_task(examples: list[dict[str, Any]], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From each example's prompt."""
    return untouched_task(examples, params)


def untouched_task(examples: list[dict[str, Any]], params: Params) -> GenerationTask:
    """From each example's prompt."""
    return GenerationTask(examples, [params.base], lambda dtype: base.load(params.base, None, dtype))
