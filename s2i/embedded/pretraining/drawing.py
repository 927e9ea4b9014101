"""Images of the base while it learns, and when it has."""

from collections.abc import Sequence

import numpy as np

from s2i.diffusion import sampling
from s2i.diffusion.base import Pipeline
from s2i.diffusion.guidance import Guidance
from s2i.diffusion.sampling import SamplingSettings
from s2i.embedded.pretraining.params import Sampling


def draw(
    pipeline: Pipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    edge_maps: Sequence[np.ndarray] | None,
    settings: Sampling,
) -> list[np.ndarray]:
    """One image (H, W, 3) uint8 a prompt; guidance strengthens the edge maps (H, W) uint8 as it does the words."""
    resolution = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
    sampling_settings = SamplingSettings(
        resolution,
        settings.steps,
        guidance=Guidance(settings.guidance_scale, settings.guidance_scale),
    )
    control_images = None if edge_maps is None else [[edge_map] for edge_map in edge_maps]
    return list(sampling.generate(pipeline, prompts, seeds, sampling_settings, control_images=control_images))
