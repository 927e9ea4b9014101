"""A student of a trained model that draws in few steps and without guidance, as low-rank updates of its networks.

It learns where the teacher's paths end (see `consistency.path_loss`), or by latent consistency distillation (Luo et al.
2023, "Latent consistency models").  What is updated, and that LCM's scheduler draws, is of their "LCM-LoRA".
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from diffusers import ControlNetModel, DDPMScheduler, StableDiffusionControlNetPipeline, UNet2DConditionModel
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from peft import LoraConfig
from torch import nn

from s2i.core import cache, devices
from s2i.core.errors import UserError
from s2i.core.files import write_json
from s2i.core.params import Params
from s2i.diffusion import adapters, base, model_folder, sampling
from s2i.diffusion.controlnets import combine, controlnet_cond, controlnets_of, predict
from s2i.diffusion.encoding import EncodedExamples, check_encoded_for, empty_prompt_embeds
from s2i.diffusion.sampling import SamplingSettings
from s2i.imaging import io
from s2i.imaging.control_images import control_images_of
from s2i.imaging.mosaics import evenly_spaced, mosaic
from s2i.metrics.structure import edge_f1
from s2i.training import setup
from s2i.training.distillation.losses import consistency_loss, path_loss
from s2i.training.distillation.trajectories import TeacherTrajectories
from s2i.training.loop import fit
from s2i.training.losses import sample_latents
from s2i.training.memory import explain_out_of_memory
from s2i.training.run import Run

TARGETS = (  # what LCM-LoRA updates: attention, feed-forward, convolutions and timestep embeddings of every block
    *adapters.PROJECTIONS,
    *("proj_in", "proj_out", "ff.net.0.proj", "ff.net.2", "time_emb_proj"),
    *("conv1", "conv2", "conv_shortcut", "downsamplers.0.conv", "upsamplers.0.conv"),
)
FEW = (1, 2, 4)  # steps that it is made for
DRAWN = {"steps": 4, "guidance_scale": 1.0, "scheduler": "lcm"}  # how it draws unless told otherwise
DRAWN |= {"conditioning_scale": 1.0, "guidance_rescale": 0.0, "guidance_interval": (0.0, 1.0)}  # of the teacher alone
DRAWN |= {"control_interval": (0.0, 1.0)}
VALIDATED = 24  # validation examples drawn while training
SHOWN = 4  # of these in the mosaic


class Student(nn.Module):
    """UNet and ControlNets as one model, low-rank updates of which learn."""

    def __init__(self, unet: UNet2DConditionModel, controlnet: ControlNetModel | MultiControlNetModel, rank: int):
        super().__init__()
        self.unet, self.controlnet = unet, controlnet
        for part in (unet, *controlnets_of(controlnet)):
            part.requires_grad_(False)
            part.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=list(TARGETS)))

    def forward(self, *shown) -> torch.Tensor:
        """`predict` of noisy latents, timesteps, words and control images."""
        return predict(self.unet, self.controlnet, *shown)


@explain_out_of_memory()
def distil(records: Iterable[dict], encoded: Path, teacher: Path, target: Path, live: Path, params: Params) -> None:
    """Teach a student of the model in ``teacher`` and write it into ``target``.

    target/unet_lora and target/adapter, one for each condition, are what diffusers loads beside the teacher, with its
    LCMScheduler; target/controlnet is the ControlNet with the adapter merged, and generate.json how it draws, so that
    ``s2i generate --model`` takes the folder.  The weights that keep validation sketches' contours best, drawn in few
    steps, are kept.  Figures and images of the run go to ``live``.  An interrupted run goes on.
    Raises UserError when the teacher draws from words alone, or the examples were not encoded for it.
    """
    if params.method != "controlnet":
        raise UserError(f"distill needs method controlnet, and method is {params.method}: set distill.steps to 0.")
    settings = params.distill
    device, precision = devices.pick(params.device, params.precision)
    controlnets = model_folder.find_controlnets(teacher, params.conditions)
    pipeline = base.load(params.base, base.load_controlnet(*controlnets))
    examples = EncodedExamples(encoded, "train")
    check_encoded_for(examples[0], encoded, params)
    content = cache.folder_hash(encoded)
    if settings.loss == "path":
        examples, frozen = _paths(examples, controlnets, content, params), []
    else:
        frozen = [deepcopy(pipeline.unet), *map(deepcopy, controlnets_of(pipeline.controlnet))]
    torch.manual_seed(params.training_seed)
    student = Student(pipeline.unet, pipeline.controlnet, settings.rank)
    trained = [student.unet, *controlnets_of(student.controlnet)]
    frozen = setup.prepare_models(trained, frozen, params.train, device, precision)
    pipeline.to(device)
    if settings.loss == "path":
        loss = _path_loss(pipeline, params)
    else:
        loss = _consistency_loss(pipeline, frozen, empty_prompt_embeds(encoded).to(device), params)
    candidates = [record for record in records if record["split"] == "val"]
    held_out = [candidates[place] for place in evenly_spaced(len(candidates), VALIDATED)]
    checkpoints = setup.checkpoint_folder(
        params, {"conditions", "distill", "generate"}, [params.base, *controlnets], __name__, content
    )
    with setup.tracked(checkpoints, live, params) as tracker:

        @torch.no_grad()
        def validate(step: int) -> float:
            drawn = {f"{steps} steps": _drawn(pipeline, held_out, steps, params) for steps in FEW}
            photos = [io.read(record["photo"]) for record in held_out]
            kept = [edge_f1(one, photo) for each in drawn.values() for one, photo in zip(each, photos, strict=True)]
            sketches = {"sketch": [io.read_grey(record["sketch"]) for record in held_out]}
            columns = sketches | drawn | {"target": photos}
            tracker.figures(step, {"validation_edge_f1": float(np.mean(kept))})
            tracker.image(step, "validation", mosaic({name: each[:SHOWN] for name, each in columns.items()}))
            return 1 - float(np.mean(kept))

        fit(
            Run(
                student,
                loss,
                examples,
                settings,
                checkpoints / "weights",
                device=device,
                precision=precision,
                seed=params.training_seed,
                validate=validate,
                log=tracker.figures,
                description="distil",
            )
        )
    adapters.save_unet_lora(pipeline, target / model_folder.UNET_LORA)
    places = model_folder.controlnet_folders(target, len(params.conditions))
    for net, place in zip(controlnets_of(student.controlnet), places, strict=True):
        adapters.save(net, place, place.with_name(place.name.replace("controlnet", "adapter")))
    write_json(target / model_folder.GENERATE_SETTINGS, DRAWN)


def _paths(examples: EncodedExamples, controlnets: Sequence[Path], content: str, params: Params) -> TeacherTrajectories:
    """The teacher's, drawn by a pipeline that is let go of before the student learns."""
    device, precision = devices.pick(params.device, params.precision)
    dtype = devices.DTYPES[precision]
    teacher = base.load(params.base, base.load_controlnet(*controlnets, dtype=dtype), dtype).to(device)
    return TeacherTrajectories(examples, teacher, [params.base, *controlnets], content, FEW, params)


def _consistency_loss(
    pipeline: StableDiffusionControlNetPipeline,
    teacher: Sequence[nn.Module],
    silence: torch.Tensor,
    params: Params,
):
    """What latent consistency distillation minimises; of how the ``teacher`` draws it knows guidance_scale alone.

    teacher: its UNet, then its ControlNets.
    """
    unet, controlnet = teacher[0], combine(teacher[1:])
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    scaling, guidance = pipeline.vae.config.scaling_factor, params.generate.guidance_scale

    def loss(student, batch, draws):
        latents = scaling * sample_latents(batch["latent_mean"], batch["latent_logvar"], draws)
        words, seen = batch["embedding"], controlnet_cond(batch, params.conditions)
        both = torch.cat([silence.expand_as(words), words])

        def answer(noisy, timesteps):
            return student(noisy, timesteps, words, seen)

        def teach(noisy, timesteps):
            twice = (torch.cat([one] * 2) for one in (noisy, timesteps))
            shown = [torch.cat([images] * 2) for images in seen]
            without, with_words = predict(unet, controlnet, *twice, both, shown).chunk(2)
            return without + guidance * (with_words - without)

        return consistency_loss(answer, teach, latents, noise_scheduler, draws, params.distill.solver_steps)

    return loss


def _path_loss(pipeline: StableDiffusionControlNetPipeline, params: Params):
    """What distillation minimises on `Paths`."""
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)

    def loss(student, batch, draws):
        words, seen = batch["embedding"], controlnet_cond(batch, params.conditions)

        def answer(noisy, timesteps):
            return student(noisy, timesteps, words, seen)

        return path_loss(answer, batch["noisy"], batch["timestep"], batch["clean"], noise_scheduler)

    return loss


def _drawn(pipeline, records: Sequence[dict], steps: int, params: Params) -> list[np.ndarray]:
    settings = params.generate.model_copy(update=DRAWN | {"steps": steps})
    return list(
        sampling.generate(
            pipeline,
            [record["prompt"] for record in records],
            range(len(records)),
            SamplingSettings.from_params(settings, params.resolution),
            control_images=[control_images_of(record, params.conditions) for record in records],
            description=f"validation images of {steps} steps",
        )
    )
