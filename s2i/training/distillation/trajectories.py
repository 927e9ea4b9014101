"""The trajectories from noise to images that a teacher takes for the training examples, for a student to learn."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import LCMScheduler, StableDiffusionControlNetPipeline
from safetensors import safe_open
from safetensors.torch import save_file
from torch.utils.data import Dataset
from tqdm import tqdm

from s2i.core import cache, devices
from s2i.core.parallel import chunked
from s2i.core.params import Params
from s2i.diffusion import image_cache, sampling, schedulers
from s2i.diffusion.encoding import EncodedExamples
from s2i.diffusion.sampling import SamplingSettings

SOLVER = "dpm-solver++"  # deterministic, and its latents are those of training at the same timestep


class TeacherTrajectories(Dataset[dict[str, torch.Tensor]]):
    """Every example at every timestep that a student of few steps starts from, or the nearest that the teacher passes.

    An item is an encoded example's ``embedding`` and control images, ``timestep`` (), ``noisy`` (C, h, w), where the
    teacher's trajectory is at that timestep, and ``clean`` (C, h, w), where it ends.  Trajectories are computed once
    and cached.
    """

    def __init__(
        self,
        examples: EncodedExamples,
        pipeline: StableDiffusionControlNetPipeline,
        teacher: Sequence[str | Path],
        examples_hash: str,
        step_counts: Sequence[int],
        params: Params,
    ):
        """pipeline: the teacher.  teacher: the folders it was loaded from.  step_counts: how many a student takes."""
        generate = params.generate.model_copy(update={"steps": params.distill.solver_steps, "scheduler": SOLVER})
        pipeline.scheduler = schedulers.with_trailing_timesteps(pipeline.scheduler)
        passed = schedulers.make_scheduler(pipeline.scheduler, SOLVER, generate.steps).timesteps.tolist()
        self.examples = examples
        self.timesteps = [_nearest(passed, timestep) for timestep in lcm_timesteps(step_counts)]
        device, precision = devices.pick(params.device, params.precision)
        key: list[Any] = [cache.code(__name__), [cache.model_hash(model) for model in teacher], examples_hash]
        key += [generate.sampling, self.timesteps, params.training_seed, params.resolution, device.type, precision]
        self.rows: list[tuple[Any, int]] = []  # of each example the open file and the row in it
        settings = SamplingSettings.from_params(generate, params.resolution)
        batches = list(chunked(range(len(examples)), generate.batch_size))
        for batch in tqdm(batches, "trajectories", unit="batch"):
            path = cache.path(".safetensors", "trajectories", key, batch[0], batch[-1])
            if not cache.is_whole(path):
                computed = _compute(pipeline, examples, batch, self.timesteps, settings, params)
                cache.write(path, partial(save_file, computed))
            file = safe_open(path, "pt")
            self.rows += [(file, row) for row in range(len(batch))]

    def __len__(self) -> int:
        return len(self.examples) * len(self.timesteps)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        example_index, timestep_index = divmod(index, len(self.timesteps))
        file, row = self.rows[example_index]
        example = self.examples[example_index]
        item = {name: tensor for name, tensor in example.items() if not name.startswith(("latent", "inside", "matte"))}
        return item | {
            "timestep": torch.tensor(self.timesteps[timestep_index]),
            "noisy": file.get_slice("noisy")[row : row + 1, timestep_index][0].float(),
            "clean": file.get_slice("clean")[row : row + 1][0].float(),
        }


def lcm_timesteps(step_counts: Sequence[int]) -> list[int]:
    """The timesteps that diffusers' LCMScheduler asks a student for in so many steps, the noisiest first."""
    scheduler, timesteps = LCMScheduler(), set()
    for steps in step_counts:
        scheduler.set_timesteps(steps)
        timesteps.update(scheduler.timesteps.tolist())
    return sorted(timesteps, reverse=True)


def _nearest(timesteps: Sequence[int], timestep: int) -> int:
    """The one of several timesteps that is nearest to another; of two as near the first."""
    return min(timesteps, key=lambda candidate: abs(candidate - timestep))


@torch.no_grad()
def _compute(
    pipeline: StableDiffusionControlNetPipeline,
    examples: EncodedExamples,
    batch: Sequence[int],
    timesteps: Sequence[int],
    settings: SamplingSettings,
    params: Params,
) -> dict[str, torch.Tensor]:
    """The trajectories of some examples: {"noisy": (B, T, C, h, w), "clean": (B, C, h, w)}, half precision."""
    items, negative_prompt = [examples[index] for index in batch], settings.guidance.negative_prompt
    steps = sampling.denoise(
        pipeline,
        torch.stack([item["embedding"] for item in items]).to(pipeline.unet.device, pipeline.unet.dtype),
        sampling.encode_prompts(pipeline, [negative_prompt])[negative_prompt],
        [image_cache.seed_of(params.training_seed, "path", index) for index in batch],
        settings,
        [[_image(item[f"control.{name}"]) for name in params.conditions] for item in items],
    )
    latents_at: dict[int, torch.Tensor] = {}
    for step in steps:
        latents_at[round(step.timestep)] = step.latents_before.half().cpu()
    return {
        "noisy": torch.stack([latents_at[timestep] for timestep in timesteps], dim=1).contiguous(),
        "clean": step.latents.half().cpu(),
    }


def _image(control: torch.Tensor) -> np.ndarray:
    """A control image (1 or 3, H, W) in [0, 1] as it was made: (H, W) or (H, W, 3) uint8."""
    planes = (control * 255).round().byte().permute(1, 2, 0).numpy()
    return planes[..., 0] if planes.shape[-1] == 1 else planes
