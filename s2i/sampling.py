"""The one sampler: pictures from prompts, and from what else conditions the UNet."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from diffusers import StableDiffusionControlNetPipeline, StableDiffusionPipeline
from tqdm import tqdm


def draw(
    pipeline: StableDiffusionPipeline | StableDiffusionControlNetPipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    *,
    controls: Sequence[Sequence[np.ndarray]] | None = None,
    resolution: int,
    steps: int,
    guidance_scale: float,
    conditioning_scale: float = 1.0,
    batch_size: int = 16,
    description: str = "draw",
) -> Iterator[np.ndarray]:
    """Yield one picture (resolution, resolution, 3) uint8 a prompt; the same seed gives the same starting noise.

    controls: for a pipeline that has ControlNets, the control images of each prompt, one for each of them,
    (resolution, resolution) or (resolution, resolution, 3) uint8.
    """
    pipeline.set_progress_bar_config(disable=True)
    options = {} if controls is None else {"controlnet_conditioning_scale": conditioning_scale}
    bar = tqdm(total=len(prompts), desc=description, unit="picture")
    for start in range(0, len(prompts), batch_size):
        batch = slice(start, start + batch_size)
        if controls is not None:
            kinds = [torch.stack(list(map(_control, kind))) for kind in zip(*controls[batch], strict=True)]
            options["image"] = kinds if len(kinds) > 1 else kinds[0]
        pictures = pipeline(
            prompt=list(prompts[batch]),
            height=resolution,
            width=resolution,
            num_inference_steps=steps,
            guidance_scale=guidance_scale,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds[batch]],
            output_type="np",
            **options,
        ).images
        yield from (pictures * 255).round().astype(np.uint8)
        bar.update(len(pictures))
    bar.close()


def _control(control: np.ndarray) -> torch.Tensor:
    """(H, W) or (H, W, 3) uint8 to (3, H, W) in [0, 1]."""
    planes = torch.tensor(control)
    planes = planes.permute(2, 0, 1) if planes.ndim == 3 else planes[None].expand(3, -1, -1)
    return planes.float() / 255
