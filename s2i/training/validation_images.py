"""Validation by drawing: a model that trains draws held-out sketches, which are looked at and scored.

The error of the noise hardly tells one training from another, and what it finds best need not draw best.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from diffusers import StableDiffusionControlNetPipeline

from s2i.core import devices
from s2i.core.params import Generate, Params
from s2i.diffusion import sampling
from s2i.diffusion.sampling import SamplingSettings
from s2i.imaging import io, shapes, tensors
from s2i.imaging.control_images import control_images_of
from s2i.imaging.mosaics import evenly_spaced, mosaic
from s2i.metrics.structure import edge_f1
from s2i.networks.st_lpips import ShiftTolerantLPIPS
from s2i.training.tracking import Tracker

SHOWN = 4  # of the drawn images, in the mosaic
SCHEDULER = "dpm-solver++"  # in as few steps as a validation takes it is closer than most


class DrawnScores(NamedTuple):
    """Means over drawn validation images: agreement of contours, in [0, 1], and perceptual distance, at least 0."""

    edge_f1: float
    st_lpips: float

    @property
    def error(self) -> float:
        """What training lowers: the mean of the distance and of what the contours lack."""
        return (1 - self.edge_f1 + self.st_lpips) / 2


class ValidationImages:
    """Validation sketches that are drawn and scored against their photos, always the same ones from the same noise."""

    def __init__(self, records: Iterable[Mapping[str, Any]], params: Params):
        """records: those of any split; ``train.validation_images`` of the validation examples are drawn."""
        candidates = [record for record in records if record["split"] == "val"]
        self.params, self.candidates = params, candidates
        chosen = evenly_spaced(len(candidates), min(len(candidates), params.train.validation_images))
        self.examples = [candidates[index] for index in chosen]

    @cached_property
    def photos(self) -> list[np.ndarray]:
        """The photos of the examples, (H, W, 3) uint8."""
        return [io.read(example["photo"]) for example in self.examples]

    @cached_property
    def distance(self) -> ShiftTolerantLPIPS:
        return ShiftTolerantLPIPS.load()

    def draw(self, pipeline: StableDiffusionControlNetPipeline, **settings: Any) -> list[np.ndarray]:
        """An image of each example, with ``settings`` in the place of those of ``params.generate``."""
        generate = self.params.generate
        settings = {"scheduler": generate.scheduler or SCHEDULER} | settings
        generate = generate.model_copy(update=settings)
        return generate_images(pipeline, self.examples, generate, self.params, f"validate in {generate.steps} steps")

    def score(self, images: Sequence[np.ndarray]) -> DrawnScores:
        """How near the images of the examples are to their photos."""
        contours = [edge_f1(image, photo) for image, photo in zip(images, self.photos, strict=True)]
        with torch.no_grad():
            distances = [
                self.distance(*(tensors.to_unit_range(tensors.stack([array])) for array in pair)).item()
                for pair in zip(images, self.photos, strict=True)
            ]
        return DrawnScores(float(np.mean(contours)), float(np.mean(distances)))

    def track(
        self, tracker: Tracker, step: int, scores: DrawnScores, drawn: Mapping[str, Sequence[np.ndarray]]
    ) -> None:
        """Log the scores, and some of the images beside their sketches and photos; drawn: by the titles of columns."""
        figures = {f"validation_{name}": value for name, value in scores._asdict().items()}
        tracker.figures(step, figures | {"validation_error": scores.error})
        shown = {title: images[:SHOWN] for title, images in drawn.items()}
        tracker.image(step, "validation", comparison(self.examples[:SHOWN], shown))


def generate_images(
    pipeline: StableDiffusionControlNetPipeline,
    examples: Sequence[Mapping[str, Any]],
    generate: Generate,
    params: Params,
    description: str,
) -> list[np.ndarray]:
    """An image of each example's sketch and prompt, as large as its photo, always from the same noise."""
    images = sampling.generate(
        pipeline,
        [example["prompt"] for example in examples],
        range(len(examples)),
        SamplingSettings.from_params(generate, params.resolution),
        control_images=[control_images_of(example, params.conditions) for example in examples],
        description=description,
    )
    device, precision = devices.pick(params.device, params.precision)
    # Latents begin in the format that the UNet is held in; what trains is in fp32 and needs autocast for it.
    held = pipeline.unet.dtype
    dtype = devices.DTYPES[precision] if held == torch.float32 else held
    with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
        return [
            shapes.cut_out(image, *io.size(Path(example["photo"])))
            for image, example in zip(images, examples, strict=True)
        ]


def comparison(examples: Sequence[Mapping[str, Any]], generated: Mapping[str, Sequence[np.ndarray]]) -> np.ndarray:
    """Sketch, generated images and target of each example side by side, one example a row: RGB, uint8.

    generated: by the titles of their columns, an image for each example.
    """
    sketches = {"sketch": [io.read_grey(example["sketch"]) for example in examples]}
    return mosaic(sketches | dict(generated) | {"target": [io.read(example["photo"]) for example in examples]})
