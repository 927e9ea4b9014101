"""Fine-tune the ControlNet on sketches, the rest of the base frozen."""

import shutil
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler
from torch.utils.data import DataLoader

from s2i import adapters, base, cache, devices, images, objectives, sampling
from s2i.controls import control_image
from s2i.encoding import EncodedExamples, empty_prompt, sample_latents
from s2i.mosaics import mosaic
from s2i.params import Params
from s2i.tracking import open_tracker
from s2i.training import fit

SHOWN = 4  # validation examples drawn while training
VALIDATION_DRAWS = 4  # timesteps and noises each validation example is seen with


def train(records: Iterable[dict], encoded: Path, target: Path, live: Path, params: Params) -> None:
    """Fine-tune on ``encoded`` and write the merged ControlNet and its adapter into ``target``.

    Figures and pictures of the run go to ``live``.  An interrupted run with the same data and parameters goes on.
    """
    device, precision = devices.pick(params.device, params.precision)
    pipeline = base.load(params.base, params.controlnet).to(device)
    unet, controlnet = pipeline.unet.requires_grad_(False), pipeline.controlnet
    devices.suit(device, unet, controlnet)
    torch.manual_seed(params.seed)
    adapters.inject(controlnet, params.adapter, params.rank, params.train.alpha)
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    silence = empty_prompt(encoded).to(device)
    scaling = pipeline.vae.config.scaling_factor

    def loss(controlnet, batch, generator):
        latents = scaling * sample_latents(batch["latent_mean"], batch["latent_logvar"], generator)
        dropped = torch.rand((len(latents), 1, 1), generator=generator, device=device) < params.train.prompt_dropout
        words = torch.where(dropped, silence, batch["embedding"])
        control = batch["control"].expand(-1, 3, -1, -1)

        def predict(noisy_latents, timesteps):
            down, mid = controlnet(noisy_latents, timesteps, words, control, return_dict=False)
            residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
            return unet(noisy_latents, timesteps, words, **residuals).sample

        return objectives.noise_loss(predict, latents, noise_scheduler, generator)

    held_out = DataLoader(EncodedExamples(encoded, "val"), params.train.batch_size)
    shown = list(islice((record for record in records if record["split"] == "val"), SHOWN))
    checkpoints = cache.root() / "training" / _fingerprint(encoded, params)

    with open_tracker(params.train.tracker, checkpoints / "live", params.model_dump()) as tracker:

        @torch.no_grad()
        def validate(step: int) -> float:
            value = _validation_loss(loss, controlnet, held_out, device, precision)
            tracker.figures(step, {"validation_loss": value})
            tracker.picture(step, "validation", _mosaic(pipeline, shown, params))
            return value

        step = fit(
            controlnet,
            loss,
            EncodedExamples(encoded, "train"),
            params.train,
            checkpoints,
            device=device,
            precision=precision,
            seed=params.seed,
            validate=validate,
            log=tracker.figures,
        )
        tracker.figures(params.train.steps, {"best_step": step})
    shutil.copytree(checkpoints / "live", live, dirs_exist_ok=True)
    adapters.save(controlnet, target)


def _fingerprint(encoded: Path, params: Params) -> str:
    """What decides the outcome of a training: the examples, the models it starts from, the settings, the code."""
    code = cache.code(__name__, "s2i.training", "s2i.objectives", "s2i.adapters", "s2i.encoding")
    settings = params.model_dump(include={"method", "adapter", "rank", "seed", "device", "precision", "train"})
    models = [cache.model_hash(params.base), cache.model_hash(params.controlnet)]
    return cache.fingerprint(cache.folder_hash(encoded), models, settings, code)


def _validation_loss(loss, controlnet, batches: DataLoader, device, precision) -> float:
    """The loss on fixed examples with fixed noise, each seen at several timesteps."""
    generator = torch.Generator(device).manual_seed(0)
    total = count = 0
    for batch in batches:
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        with torch.autocast(device.type, devices.DTYPES[precision], enabled=precision != "fp32"):
            draws = [loss(controlnet, batch, generator) for _ in range(VALIDATION_DRAWS)]
        size = len(batch["control"])
        total, count = total + size * torch.stack(draws).mean().item(), count + size
    return total / count


def _mosaic(pipeline, records: list[dict], params: Params) -> np.ndarray:
    """Sketch, drawn, target of some validation examples, one a row."""
    sketches = [images.read_grey(record["sketch"]) for record in records]
    drawn = sampling.draw(
        pipeline,
        [record["prompt"] for record in records],
        range(len(records)),
        controls=[control_image(sketch) for sketch in sketches],
        resolution=params.resolution,
        steps=params.generate.steps,
        guidance_scale=params.generate.guidance_scale,
        conditioning_scale=params.generate.conditioning_scale,
        description="validation pictures",
    )
    targets = [images.read(record["photo"]) for record in records]
    return mosaic({"sketch": sketches, "drawn": list(drawn), "target": targets})
