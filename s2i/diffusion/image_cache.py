"""Images that a model draws, kept by content: what was drawn before is not drawn again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionControlNetPipeline, StableDiffusionPipeline

from s2i.core import cache, devices
from s2i.core.files import whole_file
from s2i.core.params import Params
from s2i.diffusion import sampling
from s2i.diffusion.sampling import SamplingSettings
from s2i.imaging import control_images, io


@dataclass(frozen=True)
class GenerationTask:
    """What is to be drawn, and by what.

    examples: mappings with ``prompt``, ``generation_seed`` and, where there are conditions, what `controls.of` reads.
    models: the folders and hub ids that the pipeline is made of.  load(dtype): the pipeline.
    conditions: what conditions it beside the prompt, one ControlNet for each; () is words alone.
    """

    examples: Sequence[Mapping]
    models: Sequence[str | Path]
    load: Callable[[torch.dtype], StableDiffusionPipeline | StableDiffusionControlNetPipeline]
    conditions: Sequence[str] = ()


def cached_images(task: GenerationTask, params: Params, description: str) -> list[Path]:
    """Where the cache keeps the image of every example; those it has not are drawn."""
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
    places = [
        cache.path(
            *(".png", "generate", models, settings, one["prompt"], one["generation_seed"]),
            cache.file_hash(one["sketch"]) if task.conditions else None,
        )
        for one in task.examples
    ]
    missing = [(example, place) for example, place in zip(task.examples, places, strict=True) if not place.exists()]
    if missing:
        pipeline = task.load(devices.DTYPES[precision]).to(device)
        seen = (
            [control_images.control_images_of(example, task.conditions) for example, _ in missing]
            if task.conditions
            else None
        )
        images = sampling.generate(
            pipeline,
            [example["prompt"] for example, _ in missing],
            [example["generation_seed"] for example, _ in missing],
            SamplingSettings.from_params(params.generate, params.resolution),
            control_images=seen,
            description=description,
        )
        for (_, place), image in zip(missing, images, strict=True):
            with whole_file(place) as draft:
                io.write_png(draft, image)
    return places


def seed_of(*parts) -> int:
    """A generation seed that an image has for itself, the same in every run."""
    return int(cache.fingerprint("generate", *parts)[:8], 16)
