"""The ways a teacher takes from noise to images of the training examples, for a student to learn where they end."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import LCMScheduler
from safetensors import safe_open
from safetensors.torch import save_file
from torch.utils.data import Dataset
from tqdm import tqdm

from s2i.core import cache, devices
from s2i.core.files import whole_file
from s2i.core.parallel import chunked
from s2i.core.params import Params
from s2i.diffusion import image_cache, sampling, schedulers
from s2i.diffusion.encoding import EncodedExamples
from s2i.diffusion.sampling import SamplingSettings

SOLVER = "dpm-solver++"  # deterministic, and its latents are those of training at the same timestep


class TeacherTrajectories(Dataset):
    """Every example at every timestep that a student of few steps draws from, or the nearest that the teacher passes.

    An item is an encoded example's ``embedding`` and control images, ``timestep`` (), ``noisy`` (C, h, w), where the
    teacher's path is at that timestep, and ``clean`` (C, h, w), where it ends.  Paths are drawn once and kept.
    """

    def __init__(
        self,
        examples: EncodedExamples,
        pipeline,
        teacher: Sequence[str | Path],
        encoded: str,
        few: Sequence[int],
        params: Params,
    ):
        """pipeline: the teacher; teacher: the folders it was loaded from; encoded: what identifies the examples."""
        sampled = params.generate.model_copy(update={"steps": params.distill.solver_steps, "scheduler": SOLVER})
        pipeline.scheduler = schedulers.with_trailing_timesteps(pipeline.scheduler)
        passed = schedulers.make_scheduler(pipeline.scheduler, SOLVER, sampled.steps).timesteps.tolist()
        self.examples = examples
        self.timesteps = [min(passed, key=lambda one, asked=asked: abs(one - asked)) for asked in lcm_timesteps(few)]
        device, precision = devices.pick(params.device, params.precision)
        models = [cache.model_hash(model) for model in teacher]
        settings = [cache.code(__name__), models, encoded, sampled.sampling, self.timesteps]
        settings += [params.training_seed, params.resolution, device.type, precision]
        drawing = SamplingSettings.from_params(sampled, params.resolution)
        self.files = []
        for batch in tqdm(list(chunked(range(len(examples)), params.generate.batch_size)), "paths", unit="batch"):
            file = cache.path(".safetensors", "paths", settings, batch[0], batch[-1])
            if not file.exists():
                with whole_file(file) as draft:
                    save_file(_drawn(pipeline, examples, batch, self.timesteps, drawing, params), draft)
            opened = safe_open(file, "pt")
            self.files += [(opened, row) for row in range(len(batch))]

    def __len__(self) -> int:
        return len(self.examples) * len(self.timesteps)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        example, place = divmod(index, len(self.timesteps))
        file, row = self.files[example]
        item = {name: one for name, one in self.examples[example].items() if not name.startswith(("latent", "matte"))}
        return item | {
            "timestep": torch.tensor(self.timesteps[place]),
            "noisy": file.get_slice("noisy")[row : row + 1, place][0].float(),
            "clean": file.get_slice("clean")[row : row + 1][0].float(),
        }


def lcm_timesteps(few: Sequence[int]) -> list[int]:
    """Where diffusers' LCMScheduler asks a student that draws in so many steps, the noisiest first."""
    scheduler, asked = LCMScheduler(), set()
    for steps in few:
        scheduler.set_timesteps(steps)
        asked.update(scheduler.timesteps.tolist())
    return sorted(asked, reverse=True)


@torch.no_grad()
def _drawn(
    pipeline,
    examples: EncodedExamples,
    batch: Sequence[int],
    asked: Sequence[int],
    settings: SamplingSettings,
    params: Params,
) -> dict[str, torch.Tensor]:
    """{"noisy": (B, T, C, h, w), "clean": (B, C, h, w)}, half precision."""
    items = [examples[index] for index in batch]
    seeds = [image_cache.seed_of(params.training_seed, "path", index) for index in batch]
    steps = sampling.denoise(
        pipeline,
        torch.stack([item["embedding"] for item in items]).to(pipeline.unet.device, pipeline.unet.dtype),
        sampling.encode_prompts(pipeline, [])[""],
        seeds,
        settings,
        [[_image(item[f"control.{name}"]) for name in params.conditions] for item in items],
    )
    seen = {}
    for step in steps:
        seen[round(step.timestep)] = step.latents_before.half().cpu()
        last = step.latents
    return {
        "noisy": torch.stack([seen[timestep] for timestep in asked], dim=1).contiguous(),
        "clean": last.half().cpu(),
    }


def _image(control: torch.Tensor) -> np.ndarray:
    """A control image (1 or 3, H, W) in [0, 1] as it was drawn: (H, W) or (H, W, 3) uint8."""
    planes = (control * 255).round().byte().permute(1, 2, 0).numpy()
    return planes[..., 0] if planes.shape[-1] == 1 else planes
