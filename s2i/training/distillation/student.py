"""A student of a trained model that draws in few steps and without guidance, as low-rank updates of its networks.

It learns where the teacher's trajectories end (`losses.trajectory_loss`), or by latent consistency distillation (Luo et
al. 2023, "Latent consistency models").  Which weights are updated, and the scheduler, are those of their "LCM-LoRA".
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import ControlNetModel, DDPMScheduler, StableDiffusionControlNetPipeline, UNet2DConditionModel
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from peft import LoraConfig
from torch import Tensor, nn
from torch.utils.data import Dataset

from s2i.core import cache, devices
from s2i.core.errors import UserError
from s2i.core.files import write_json
from s2i.core.params import Params
from s2i.diffusion import adapters, base, model_folder, sampling
from s2i.diffusion.controlnets import ControlledUNet, combine, controlnet_cond, controlnets_of, predict
from s2i.diffusion.encoding import EncodedExamples, check_encoded_for
from s2i.diffusion.guidance import Guidance
from s2i.training import setup
from s2i.training.distillation.losses import consistency_loss, trajectory_loss
from s2i.training.distillation.trajectories import TeacherTrajectories
from s2i.training.losses import sample_latents
from s2i.training.memory import explain_out_of_memory
from s2i.training.randomness import BatchRandom
from s2i.training.run import Loss
from s2i.training.setup import TrainingSession
from s2i.training.validation_images import DrawnScores, ValidationImages

TARGETS = (  # what LCM-LoRA updates: attention, feed-forward, convolutions and timestep embeddings of every block
    *adapters.PROJECTIONS,
    *("proj_in", "proj_out", "ff.net.0.proj", "ff.net.2", "time_emb_proj"),
    *("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv"),
)
STEP_COUNTS = (1, 2, 4)  # that it is made for
GENERATE = {  # how it draws unless told otherwise
    "steps": 4,
    "guidance_scale": 1.0,
    "scheduler": "lcm",
    # These are of the teacher alone.
    "control_guidance_scale": 1.0,
    "negative_prompt": "",
    "conditioning_scale": 1.0,
    "guidance_rescale": 0.0,
    "guidance_interval": (0.0, 1.0),
    "control_interval": (0.0, 1.0),
}


class Student(ControlledUNet):
    """UNet and ControlNets as one model, low-rank updates of which learn."""

    def __init__(self, unet: UNet2DConditionModel, controlnet: ControlNetModel | MultiControlNetModel, rank: int):
        super().__init__(unet, controlnet)
        for part in (unet, *controlnets_of(controlnet)):
            part.requires_grad_(False)
            part.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=list(TARGETS)))


@explain_out_of_memory()
def distil(
    records: Iterable[dict[str, Any]], encoded: Path, teacher: Path, target: Path, log_dir: Path, params: Params
) -> None:
    """Teach a student of the model in ``teacher`` and write it into ``target``.

    target/unet_lora and target/adapter, one for each condition, are what diffusers loads beside the teacher, with its
    LCMScheduler; target/controlnet is the ControlNet with the adapter merged, and generate.json how it draws, so that
    ``s2i generate --model`` takes the folder.  The weights that keep validation sketches' contours best, drawn in few
    steps, are kept.  Figures and images of the run go to ``log_dir``.  An interrupted run goes on.
    Raises UserError when the teacher draws from words alone, or the examples were not encoded for it.
    """
    if params.method != "controlnet":
        raise UserError(f"distill needs method controlnet, and method is {params.method}: set distill.steps to 0.")
    if (teacher / model_folder.UNET_LORA).is_dir():
        raise UserError(
            f"distill needs a teacher with the UNet of the base, and {teacher} has a LoRA of it: set train.unet_rank "
            "to 0, or distill.steps."
        )
    device, precision = devices.pick(params.device, params.precision)
    controlnets = model_folder.find_controlnets(teacher, params.conditions)
    pipeline = base.load(params.base, base.load_controlnet(*controlnets))
    encoded_examples, content = EncodedExamples(encoded, "train"), cache.folder_hash(encoded)
    check_encoded_for(encoded_examples[0], encoded, params)
    examples: Dataset[dict[str, Tensor]] = encoded_examples
    frozen = []
    if params.distill.loss == "path":
        examples = _trajectories(encoded_examples, controlnets, content, params)
    else:
        frozen = [deepcopy(pipeline.unet), *map(deepcopy, controlnets_of(pipeline.controlnet))]
    torch.manual_seed(params.training_seed)
    student = Student(pipeline.unet, pipeline.controlnet, params.distill.rank)
    trained = [student.unet, *controlnets_of(student.controlnet)]
    teacher_models = setup.prepare_models(trained, frozen, params.train, device, precision)
    pipeline.to(device)
    if params.distill.loss == "path":
        loss = on_trajectories(pipeline, params)
    else:
        negative_prompt = params.generate.negative_prompt
        negative_embeds = sampling.encode_prompts(pipeline, [negative_prompt])[negative_prompt]
        loss = consistency(pipeline, teacher_models, negative_embeds, params)
    checkpoints = setup.checkpoint_folder(
        params, {"conditions", "distill", "generate"}, [params.base, *controlnets], __name__, content
    )
    with setup.open_session(checkpoints, log_dir, params) as session:
        StudentTraining(session, pipeline, student, loss, examples, ValidationImages(records, params)).fit()
    adapters.save_unet_lora(pipeline, target / model_folder.UNET_LORA)
    setup.save_controlnets(student.controlnet, target)
    write_json(target / model_folder.SETTINGS, GENERATE | {"conditions": params.conditions})


@dataclass
class StudentTraining:
    """A student, which is what the pipeline draws with, what it learns from, and what it is validated with."""

    session: TrainingSession
    pipeline: StableDiffusionControlNetPipeline
    student: Student
    loss: Loss
    examples: Dataset[dict[str, Tensor]]
    validation: ValidationImages

    def fit(self) -> None:
        """Train the student as ``distill`` of the parameters says."""
        self.session.fit(
            self.student,
            self.loss,
            self.examples,
            "weights",
            settings=self.session.params.distill,
            validate=self.validate if self.validation.examples else None,
            description="distil",
        )

    @torch.no_grad()
    def validate(self, step: int) -> float:
        """The error of validation sketches, drawn in few steps, tracked beside some of the images."""
        settings = {f"{steps} steps": GENERATE | {"steps": steps} for steps in STEP_COUNTS}
        drawn = {title: self.validation.draw(self.pipeline, **values) for title, values in settings.items()}
        scores = [self.validation.score(images) for images in drawn.values()]
        mean = DrawnScores(*(float(np.mean(column)) for column in zip(*scores, strict=True)))
        self.validation.track(self.session.tracker, step, mean, drawn)
        return mean.error


def _trajectories(
    examples: EncodedExamples, controlnets: Sequence[Path], content: str, params: Params
) -> TeacherTrajectories:
    """The teacher's, by a pipeline that is let go of before the student learns."""
    device, precision = devices.pick(params.device, params.precision)
    dtype = devices.DTYPES[precision]
    teacher = base.load(params.base, base.load_controlnet(*controlnets, dtype=dtype), dtype).to(device)
    return TeacherTrajectories(examples, teacher, [params.base, *controlnets], content, STEP_COUNTS, params)


def consistency(
    pipeline: StableDiffusionControlNetPipeline,
    teacher: Sequence[nn.Module],
    negative_embeds: Tensor,
    params: Params,
) -> Loss:
    """What latent consistency distillation minimises; the ``teacher`` has its guidance, in all steps.

    teacher: its UNet, then its ControlNets.  negative_embeds: of the negative prompt, (tokens, width).
    """
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    unet, controlnet = teacher[0], combine(teacher[1:])
    scaling, guidance = pipeline.vae.config.scaling_factor, Guidance.from_params(params.generate)
    branches = guidance.branches()
    is_controlled = torch.tensor([branch.is_controlled for branch in branches], device=negative_embeds.device)

    def loss(student: nn.Module, batch: dict[str, Tensor], rng: BatchRandom) -> Tensor:
        latents = scaling * sample_latents(batch["latent_mean"], batch["latent_logvar"], rng)
        prompt_embeds, control_images = batch["embedding"], controlnet_cond(batch, params.conditions)
        count, size = len(branches), len(latents)
        encoder_hidden_states = torch.cat(
            [prompt_embeds if branch.is_prompted else negative_embeds.expand_as(prompt_embeds) for branch in branches]
        )
        repeated_images = [torch.cat([images] * count) for images in control_images]
        control_mask = is_controlled.repeat_interleave(size).view(-1, 1, 1, 1)

        def teacher_output(noisy_latents: Tensor, timesteps: Tensor) -> Tensor:
            where = torch.cat([noisy_latents] * count), torch.cat([timesteps] * count)
            output = predict(unet, controlnet, *where, encoder_hidden_states, repeated_images, control_mask)
            return guidance.combine(output, branches)

        return consistency_loss(
            _with_conditions(student, batch, params),
            teacher_output,
            latents,
            noise_scheduler,
            rng,
            params.distill.solver_steps,
        )

    return loss


def on_trajectories(pipeline: StableDiffusionControlNetPipeline, params: Params) -> Loss:
    """What distillation minimises on `TeacherTrajectories`."""
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)

    def loss(student: nn.Module, batch: dict[str, Tensor], rng: BatchRandom) -> Tensor:
        student_output = _with_conditions(student, batch, params)
        return trajectory_loss(student_output, batch["noisy"], batch["timestep"], batch["clean"], noise_scheduler)

    return loss


def _with_conditions(
    student: nn.Module, batch: dict[str, Tensor], params: Params
) -> Callable[[Tensor, Tensor], Tensor]:
    """The student as a function of noisy latents and timesteps, its prompts and control images those of a batch."""
    prompt_embeds, control_images = batch["embedding"], controlnet_cond(batch, params.conditions)

    def model_output(noisy_latents: Tensor, timesteps: Tensor) -> Tensor:
        output: Tensor = student(noisy_latents, timesteps, prompt_embeds, control_images)
        return output

    return model_output
