"""Images that a model generates, cached by content: what was generated before is not generated again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from s2i.core import cache, devices
from s2i.core.params import Params
from s2i.diffusion import sampling
from s2i.diffusion.base import Pipeline
from s2i.diffusion.sampling import SamplingSettings
from s2i.imaging import io, shapes
from s2i.imaging.control_images import control_images_of


@dataclass(frozen=True)
class GenerationTask:
    """Which images are to be generated, and by what.

    examples: records with ``prompt``, ``generation_seed`` and, where there are conditions, what `control_images_of`
    reads.  Where they have a ``photo``, images are of its size.
    models: the folders and hub ids that the pipeline is made of.  load(dtype): the pipeline.
    conditions: what conditions the images beside the prompt, one ControlNet for each; () is the prompt alone.
    """

    examples: Sequence[dict[str, Any]]
    models: Sequence[str | Path]
    load: Callable[[torch.dtype], Pipeline]
    conditions: Sequence[str] = ()


def cached_images(task: GenerationTask, params: Params, description: str) -> list[Path]:
    """Where the cache keeps the image of every example; those that it does not have are generated.

    description: what the progress bar says.
    """
    device, precision = devices.pick(params.device, params.precision)
    models = [cache.model_hash(model) for model in task.models]
    settings = [
        cache.code(__name__),
        task.conditions,
        params.generate.sampling,
        params.resolution,
        device.type,
        precision,
    ]
    sizes = [io.size(Path(example["photo"])) if example.get("photo") else None for example in task.examples]
    paths = [
        cache.path(
            *(".png", "generate", models, settings, example["prompt"], example["generation_seed"]),
            cache.file_hash(example["sketch"]) if task.conditions else None,
            size,
        )
        for example, size in zip(task.examples, sizes, strict=True)
    ]
    missing = [drawn for drawn in zip(task.examples, paths, sizes, strict=True) if not cache.is_whole(drawn[1])]
    if missing:
        pipeline = task.load(devices.DTYPES[precision]).to(device)
        control_images = None
        if task.conditions:
            control_images = [control_images_of(example, task.conditions) for example, *_ in missing]
        images = sampling.generate(
            pipeline,
            [example["prompt"] for example, *_ in missing],
            [example["generation_seed"] for example, *_ in missing],
            SamplingSettings.from_params(params.generate, params.resolution),
            control_images=control_images,
            description=description,
        )
        for (_, path, size), image in zip(missing, images, strict=True):
            cut = shapes.cut_out(image, *size) if size else image
            cache.write(path, partial(io.write_png, image=cut))
    return paths


def seed_of(*parts: Any) -> int:
    """A generation seed that an image has for itself, the same in every run; parts: what identifies the image."""
    return int(cache.fingerprint("generate", *parts)[:8], 16)
