"""The one sampler: images from prompts and, where the pipeline has ControlNets, from control images."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from diffusers import SchedulerMixin
from diffusers.utils.torch_utils import randn_tensor
from tqdm import tqdm

from s2i.core.params import Generate
from s2i.diffusion import schedulers
from s2i.diffusion.base import Pipeline
from s2i.diffusion.controlnets import ConditionedControlNets, prepend_zeros
from s2i.diffusion.guidance import ALL_STEPS, UNGUIDED, Guidance, Interval, is_within


@dataclass(frozen=True)
class Control:
    """How the ControlNets act.

    scale: what their residuals are multiplied by.
    interval: the part of the steps in which they run, as two shares of their number; outside it they cost nothing.
    """

    scale: float = 1.0
    interval: Interval = ALL_STEPS


@dataclass(frozen=True)
class SamplingSettings:
    """How noise becomes images of ``resolution`` pixels a side.

    scheduler: a name in `schedulers.SCHEDULERS`; None is the base's own.
    batch_size: how many images are denoised at once.
    """

    resolution: int
    num_inference_steps: int
    scheduler: str | None = None
    guidance: Guidance = UNGUIDED
    control: Control = Control()
    batch_size: int = 16

    @classmethod
    def from_params(cls, generate: Generate, resolution: int) -> Self:
        """Those that ``generate`` of params.yaml asks for."""
        return cls(
            resolution,
            generate.steps,
            generate.scheduler,
            Guidance.from_params(generate),
            Control(generate.conditioning_scale, generate.control_interval),
            generate.batch_size,
        )


class Step(NamedTuple):
    """What the step with this index, counted from 0, made of a batch.

    latents_before, latents: (B, C, h, w) at the beginning of the step, which is at ``timestep``, and at its end; only
    those after the last step are free of noise.  `decode` makes images of them.
    predicted_original(): the latents without noise that the step's model output points to, for a preview.
    """

    step_index: int
    num_steps: int
    timestep: float
    latents_before: torch.Tensor
    latents: torch.Tensor
    predicted_original: Callable[[], torch.Tensor]


def generate(
    pipeline: Pipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    settings: SamplingSettings,
    *,
    control_images: Sequence[Sequence[np.ndarray]] | None = None,
    description: str = "draw",
    on_step: Callable[[Step], None] | None = None,
) -> Iterator[np.ndarray]:
    """Yield one image (resolution, resolution, 3) uint8 a prompt; the same seed gives the same initial noise.

    control_images: for a pipeline that has ControlNets; of each prompt one control image for each ControlNet,
    (resolution, resolution) or (resolution, resolution, 3) uint8.
    on_step: called after every step of every batch; what it raises ends the generation.
    """
    negative_prompt = settings.guidance.negative_prompt
    prompt_embeds = encode_prompts(pipeline, [negative_prompt, *prompts])
    with tqdm(total=len(prompts), desc=description, unit="image") as bar:
        for start in range(0, len(prompts), settings.batch_size):
            batch = slice(start, start + settings.batch_size)
            steps = denoise(
                pipeline,
                torch.stack([prompt_embeds[prompt] for prompt in prompts[batch]]),
                prompt_embeds[negative_prompt],
                seeds[batch],
                settings,
                None if control_images is None else control_images[batch],
            )
            for step in steps:
                if on_step:
                    on_step(step)
            for latents in torch.split(step.latents, 1):  # one by one: the decoder takes the most memory
                bar.update()
                yield decode(pipeline, latents)[0]


@torch.no_grad()
def denoise(
    pipeline: Pipeline,
    prompt_embeds: torch.Tensor,
    negative_prompt_embeds: torch.Tensor,
    seeds: Sequence[int],
    settings: SamplingSettings,
    control_images: Sequence[Sequence[np.ndarray]] | None = None,
) -> Iterator[Step]:
    """Yield every step from noise to latents; to stop between two steps is to stop asking for more.

    prompt_embeds: (B, tokens, width); negative_prompt_embeds: of the negative prompt, (tokens, width).
    control_images: as in `generate`.
    Source: the denoising loop of diffusers' pipelines, whose images these are to rounding.
    """
    unet, guidance, control = pipeline.unet, settings.guidance, settings.control
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    noise_scheduler = schedulers.make_scheduler(
        pipeline.scheduler, settings.scheduler, settings.num_inference_steps, unet.device
    )
    step_kwargs = {"generator": generators} if "generator" in signature(noise_scheduler.step).parameters else {}
    latents = _initial_noise(pipeline, settings.resolution, generators) * noise_scheduler.init_noise_sigma
    negative_prompt_embeds = negative_prompt_embeds.expand_as(prompt_embeds)
    controlnets = None if control_images is None else ConditionedControlNets(pipeline.controlnet, control_images)
    num_steps = len(noise_scheduler.timesteps)

    for index, timestep in enumerate(noise_scheduler.timesteps):
        progress = index / num_steps, (index + 1) / num_steps
        latent_model_input = noise_scheduler.scale_model_input(latents, timestep)

        # Guidance needs several predictions, of which the batch holds one after the other.
        has_control = controlnets is not None and is_within(progress, control.interval)
        branches = guidance.branches(is_within(progress, guidance.interval), has_control)
        unet_input = torch.cat([latent_model_input] * len(branches))
        encoder_hidden_states = torch.cat(
            [prompt_embeds if branch.is_prompted else negative_prompt_embeds for branch in branches]
        )

        # The ControlNets see the control images, and what they add goes into the UNet: zeros where it is to see none.
        residuals: dict[str, Any] = {}
        if controlnets and has_control:
            first = len(latents) * [branch.is_controlled for branch in branches].index(True)
            residuals = controlnets(unet_input[first:], timestep, encoder_hidden_states[first:], control.scale)
            residuals = prepend_zeros(residuals, first)

        # The UNet predicts the noise, or the velocity, in the latents.
        model_output = unet(unet_input, timestep, encoder_hidden_states, **residuals, return_dict=False)[0]
        model_output = guidance.combine(model_output, branches)

        # The scheduler takes the latents one step nearer to an image.
        latents_before = latents
        latents = noise_scheduler.step(model_output, timestep, latents, **step_kwargs, return_dict=False)[0]
        preview = _predicted_original(model_output, latent_model_input, timestep, noise_scheduler)
        yield Step(index, num_steps, timestep.item(), latents_before, latents, preview)


@torch.no_grad()
def encode_prompts(pipeline: Pipeline, prompts: Sequence[str]) -> dict[str, torch.Tensor]:
    """The embedding (tokens, width) of every distinct prompt, each encoded once and alone."""
    device = pipeline.unet.device
    return {prompt: pipeline.encode_prompt(prompt, device, 1, False)[0][0] for prompt in dict.fromkeys(prompts)}


@torch.no_grad()
def decode(pipeline: Pipeline, latents: torch.Tensor) -> np.ndarray:
    """Latents (B, C, h, w) as images (B, H, W, 3) uint8, by whichever autoencoder the pipeline has."""
    decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor, return_dict=False)[0]
    images: np.ndarray = pipeline.image_processor.postprocess(decoded, "np")
    return (images * 255).round().astype(np.uint8)


def _initial_noise(pipeline: Pipeline, resolution: int, generators: list[torch.Generator]) -> torch.Tensor:
    """(B, C, h, w), an image from each generator."""
    size = resolution // pipeline.vae_scale_factor
    shape = (len(generators), pipeline.unet.config.in_channels, size, size)
    noise: torch.Tensor = randn_tensor(shape, generators, pipeline.unet.device, pipeline.unet.dtype)
    return noise


def _predicted_original(
    model_output: torch.Tensor, noisy: torch.Tensor, timestep: torch.Tensor, noise_scheduler: SchedulerMixin
) -> Callable[[], torch.Tensor]:
    def predicted_original() -> torch.Tensor:
        timesteps = timestep.round().long().cpu().expand(len(noisy))  # Euler's fall between those of training
        return schedulers.predicted_original(model_output, noisy, timesteps, noise_scheduler).to(noisy.dtype)

    return predicted_original
