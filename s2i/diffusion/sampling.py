"""The one sampler: images from prompts, and from what else conditions the UNet."""

from collections.abc import Callable, Iterator, Sequence
from inspect import signature
from typing import NamedTuple

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from diffusers.utils.torch_utils import randn_tensor
from tqdm import tqdm

from s2i.diffusion import schedulers
from s2i.diffusion.base import Pipeline
from s2i.diffusion.controlnets import embedded_once

WHOLE = (0.0, 1.0)  # of the steps


class Step(NamedTuple):
    """Where a drawing stands: ``number`` of ``steps`` are done.

    latents: (B, C, h, w), still noisy before the last step.  The step began at ``timestep`` from ``noisier`` ones.
    estimate() gives those without noise that the step's prediction points to, for a preview; `decode` makes images.
    """

    number: int
    steps: int
    timestep: float
    noisier: torch.Tensor
    latents: torch.Tensor
    estimate: Callable[[], torch.Tensor]


def draw(
    pipeline: Pipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    *,
    controls: Sequence[Sequence[np.ndarray]] | None = None,
    batch_size: int = 16,
    description: str = "draw",
    on_step: Callable[[Step], None] | None = None,
    **settings,
) -> Iterator[np.ndarray]:
    """Yield one image (resolution, resolution, 3) uint8 a prompt; the same seed gives the same starting noise.

    controls: for a pipeline that has ControlNets, the control images of each prompt, one for each of them,
    (resolution, resolution) or (resolution, resolution, 3) uint8.  settings: those of `denoise`.
    on_step: told after every step of every batch; what it raises ends the drawing.
    """
    words = encode_prompts(pipeline, prompts)
    with tqdm(total=len(prompts), desc=description, unit="image") as bar:
        for start in range(0, len(prompts), batch_size):
            batch = slice(start, start + batch_size)
            several = torch.stack([words[prompt] for prompt in prompts[batch]])
            shown = None if controls is None else controls[batch]
            for step in denoise(pipeline, several, words[""], seeds[batch], shown, **settings):
                if on_step:
                    on_step(step)
            for latents in step.latents.split(1):  # one by one: the decoder takes the most memory
                bar.update()
                yield decode(pipeline, latents)[0]


@torch.no_grad()
def denoise(
    pipeline: Pipeline,
    words: torch.Tensor,
    without_words: torch.Tensor,
    seeds: Sequence[int],
    controls: Sequence[Sequence[np.ndarray]] | None = None,
    *,
    resolution: int,
    steps: int,
    guidance_scale: float,
    conditioning_scale: float = 1.0,
    scheduler: str | None = None,
    guidance_rescale: float = 0.0,
    guidance_interval: tuple[float, float] = WHOLE,
    control_interval: tuple[float, float] = WHOLE,
    control_unconditional: bool = True,
) -> Iterator[Step]:
    """Yield every step from noise to latents; to stop between two is to stop asking for more.

    words: embedded prompts, (B, tokens, width); without_words: the empty one, (tokens, width).  controls: as in `draw`.
    scheduler: a name in `schedulers.SCHEDULERS`; None is the base's own.
    guidance_rescale: share in [0, 1] by which guided predictions are brought back to the spread of the unguided (Lin et
    al. 2024, "Common diffusion noise schedules and sample steps are flawed").
    guidance_interval, control_interval: the shares of the steps between which there is guidance (Kynkäänniemi et al.
    2024, "Applying guidance in a limited interval") and the ControlNets run; beyond, they cost nothing.
    control_unconditional: whether the unconditional half of the guidance sees the control images too; without, the
    ControlNets run on half of the batch, and guidance strengthens them as it does the words.
    Source: the loop of diffusers' pipelines, whose images these are to rounding.
    """
    device, dtype = pipeline.unet.device, pipeline.unet.dtype
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    noise_scheduler = schedulers.scheduler(pipeline.scheduler, scheduler, steps, device)
    extra = {"generator": generators} if "generator" in signature(noise_scheduler.step).parameters else {}
    size = resolution // pipeline.vae_scale_factor
    latents = randn_tensor((len(seeds), pipeline.unet.config.in_channels, size, size), generators, device, dtype)
    latents = latents * noise_scheduler.init_noise_sigma
    both = torch.cat([without_words.expand_as(words), words])
    residuals = None if controls is None else embedded_once(pipeline, controls)
    total = len(noise_scheduler.timesteps)
    for number, timestep in enumerate(noise_scheduler.timesteps, start=1):
        share = (number - 1) / total, number / total
        guided = guidance_scale > 1 and _within(share, guidance_interval)
        seen = noise_scheduler.scale_model_input(latents, timestep)
        sample, told = (torch.cat([seen] * 2), both) if guided else (seen, words)
        added = {}
        if residuals and _within(share, control_interval):
            half = guided and not control_unconditional
            added = residuals(*((seen, words) if half else (sample, told)), timestep, conditioning_scale)
            added = _beside_zeros(added) if half else added
        prediction = pipeline.unet(sample, timestep, told, **added, return_dict=False)[0]
        if guided:
            prediction = _guided(prediction, guidance_scale, guidance_rescale)
        noisier, latents = latents, noise_scheduler.step(prediction, timestep, latents, **extra, return_dict=False)[0]
        estimate = _estimate(prediction, seen, timestep, noise_scheduler)
        yield Step(number, total, timestep.item(), noisier, latents, estimate)


@torch.no_grad()
def encode_prompts(pipeline: Pipeline, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
    """The embedding (tokens, width) of every distinct prompt and of the empty one, each encoded once and alone."""
    distinct = dict.fromkeys(["", *prompts])
    return {prompt: pipeline.encode_prompt(prompt, pipeline.unet.device, 1, False)[0][0] for prompt in distinct}


@torch.no_grad()
def decode(pipeline: Pipeline, latents: torch.Tensor) -> np.ndarray:
    """Latents (B, C, h, w) as images (B, H, W, 3) uint8, by whichever autoencoder the pipeline has."""
    decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor, return_dict=False)[0]
    return (pipeline.image_processor.postprocess(decoded, "np") * 255).round().astype(np.uint8)


def _beside_zeros(residuals: dict) -> dict:
    """The residuals of the conditional half of a batch, and none for the unconditional one."""
    down, mid = residuals.values()
    widened = [torch.cat([torch.zeros_like(one), one]) for one in (*down, mid)]
    return dict(zip(residuals, (widened[:-1], widened[-1]), strict=True))


def _within(share: tuple[float, float], interval: tuple[float, float]) -> bool:
    return interval[0] <= share[0] and share[1] <= interval[1]


def _guided(prediction: torch.Tensor, scale: float, rescale: float) -> torch.Tensor:
    """Classifier-free guidance (Ho and Salimans 2022): (2B, C, h, w), unconditional first, to (B, C, h, w)."""
    unconditional, conditional = prediction.chunk(2)
    guided = unconditional + scale * (conditional - unconditional)
    return rescale_noise_cfg(guided, conditional, rescale) if rescale else guided


def _estimate(prediction, noisy, timestep, noise_scheduler) -> Callable[[], torch.Tensor]:
    def estimate() -> torch.Tensor:
        timesteps = timestep.round().long().cpu().expand(len(noisy))  # Euler's fall between those of training
        return schedulers.predicted_original(prediction, noisy, timesteps, noise_scheduler).to(noisy.dtype)

    return estimate
