"""Images of validation examples that a model generates while it trains, to be looked at and scored."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionControlNetPipeline

from s2i.core import devices
from s2i.core.params import Generate, Params
from s2i.diffusion import sampling
from s2i.diffusion.sampling import SamplingSettings
from s2i.imaging import io
from s2i.imaging.control_images import control_images_of
from s2i.imaging.mosaics import mosaic


def generate_images(
    pipeline: StableDiffusionControlNetPipeline,
    examples: Sequence[Mapping[str, Any]],
    generate: Generate,
    params: Params,
    description: str,
) -> list[np.ndarray]:
    """An image (resolution, resolution, 3) uint8 of each example's sketch and prompt, always from the same noise."""
    images = sampling.generate(
        pipeline,
        [example["prompt"] for example in examples],
        range(len(examples)),
        SamplingSettings.from_params(generate, params.resolution),
        control_images=[control_images_of(example, params.conditions) for example in examples],
        description=description,
    )
    device, _ = devices.pick(params.device, params.precision)
    # Latents begin in the format that the UNet is held in; ControlNets that train are in fp32 and need autocast for it.
    with torch.autocast(device.type, pipeline.unet.dtype, enabled=pipeline.unet.dtype != torch.float32):
        return list(images)


def comparison(examples: Sequence[Mapping[str, Any]], generated: Mapping[str, Sequence[np.ndarray]]) -> np.ndarray:
    """Sketch, generated images and target of each example side by side, one example a row: RGB, uint8.

    generated: by the titles of their columns, an image for each example.
    """
    sketches = {"sketch": [io.read_grey(example["sketch"]) for example in examples]}
    return mosaic(sketches | dict(generated) | {"target": [io.read(example["photo"]) for example in examples]})
