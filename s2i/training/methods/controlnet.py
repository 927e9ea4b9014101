"""Fine-tune the ControlNet on sketches, the rest of the base frozen."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler
from torch.utils.data import DataLoader

from s2i.core import cache, devices
from s2i.core.params import Params, Train
from s2i.diffusion import adapters, base, model_folder, placement, sampling
from s2i.diffusion.controlnets import controlnet_cond, controlnets_of, predict
from s2i.diffusion.encoding import EncodedExamples, check_encoded_for, empty_prompt_embeds
from s2i.diffusion.image_cache import GenerationTask
from s2i.diffusion.sampling import SamplingSettings
from s2i.imaging import io
from s2i.imaging.control_images import control_images_of
from s2i.imaging.mosaics import mosaic
from s2i.training import setup
from s2i.training.edge_loss import edge_loss
from s2i.training.loop import fit
from s2i.training.losses import noise_loss, sample_latents
from s2i.training.memory import explain_out_of_memory
from s2i.training.optimizers import make_optimizer
from s2i.training.randomness import BatchRandom
from s2i.training.run import Fitted, Loss, Run

SHOWN = 4  # validation examples drawn while training
VALIDATION_DRAWS = 4  # timesteps and noises each validation example is seen with


@explain_out_of_memory()
def train(records: Iterable[dict], encoded: Path, target: Path, live: Path, params: Params) -> None:
    """Fine-tune on ``encoded`` and write the merged ControlNet and its adapter into ``target``, one for each condition.

    Figures and images of the run go to ``live``.  An interrupted run with the same data and parameters goes on.
    Raises UserError when the examples were encoded for another base, resolution or other conditions.
    """
    device, precision = devices.pick(params.device, params.precision)
    controlnet = base.load_controlnet(*[params.controlnet] * len(params.conditions))
    pipeline = base.load(params.base, controlnet)
    trained = controlnets_of(controlnet)
    (pipeline.unet,) = setup.prepare_models(trained, [pipeline.unet], params.train, device, precision)
    pipeline.to(device)
    examples, held_out = (EncodedExamples(encoded, split) for split in ("train", "val"))
    check_encoded_for(examples[0], encoded, params)
    loss = _loss(pipeline, empty_prompt_embeds(encoded).to(device), params)
    batches = DataLoader(held_out, max(1, params.train.batch_size // params.train.accumulate))
    shown = list(islice((record for record in records if record["split"] == "val"), SHOWN))
    counter = [cache.file_hash(Path(params.train.edge.counter))] if params.train.edge.weight else []
    checkpoints = setup.checkpoint_folder(
        params, {"conditions"}, [params.base, params.controlnet], __name__, cache.folder_hash(encoded), counter
    )

    with setup.tracked(checkpoints, live, params) as tracker:

        def learn(adapter: str, place: str, first_step: int, steps: int) -> Fitted:
            """Train what an adapter names; steps are counted on from ``first_step``."""
            torch.manual_seed(params.training_seed)
            for net in controlnets_of(controlnet):
                adapters.inject(net, adapter, params.rank, params.train.alpha, params.train.encoder_blocks)
            placement.move_to(device, *controlnets_of(controlnet), channels_last=params.train.channels_last)

            @torch.no_grad()
            def validate(step: int) -> float:
                value = _validation_loss(loss, controlnet, batches, device, precision)
                tracker.figures(first_step + step, {"validation_loss": value})
                tracker.image(first_step + step, "validation", _mosaic(pipeline, shown, params))
                return value

            fitted = fit(
                Run(
                    controlnet,
                    loss,
                    examples,
                    params.train.model_copy(update={"steps": steps}),
                    checkpoints / place,
                    device=device,
                    precision=precision,
                    seed=params.training_seed + first_step,
                    make_optimizer=partial(make_optimizer, rate_of=partial(_rate, params.train)),
                    validate=validate,
                    log=lambda step, figures: tracker.figures(first_step + step, figures),
                )
            )
            return Fitted(first_step + fitted.best, first_step + fitted.last)

        fitted = _taught(learn, controlnet, params)
        tracker.figures(fitted.last, {"best_step": fitted.best})
    places = model_folder.controlnet_folders(target, len(params.conditions))
    for net, place in zip(controlnets_of(controlnet), places, strict=True):
        adapter = place.with_name(place.name.replace("controlnet", "adapter"))
        adapters.save(net, place, adapter, projections=params.adapter == "two-step")


def draw_task(examples: list[dict], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From each example's sketch and prompt."""
    return _task(examples, model_folder.controlnet_folders(trained, len(params.conditions)), params.conditions, params)


def untouched(examples: list[dict], params: Params) -> GenerationTask:
    """By the ControlNet as it was, which knows sketches alone."""
    return _task(examples, [params.controlnet], ["sketch"], params)


def _task(examples: list[dict], controlnets: Sequence[str | Path], conditions: Sequence[str], params: Params):
    def load(dtype: torch.dtype):
        return base.load(params.base, base.load_controlnet(*controlnets, dtype=dtype), dtype)

    return GenerationTask(examples, [params.base, *controlnets], load, conditions)


def _taught(learn: Callable[[str, str, int, int], Fitted], controlnet, params: Params) -> Fitted:
    """Have the adapter learn, in two steps where it has two."""
    steps, switch = params.train.steps, params.train.switch
    if params.adapter == "none":
        for net in controlnets_of(controlnet):
            adapters.inject(net, "none", params.rank)
        return Fitted(0, 0)
    if params.adapter != "two-step":
        return learn(params.adapter, "weights", 0, steps)
    first = steps if switch == "plateau" else round(steps * switch)
    second = steps if switch == "plateau" else steps - first
    fitted = learn("modified", "first", 0, first) if first else Fitted(0, 0)
    for net in controlnets_of(controlnet):
        adapters.merge(net)
    return learn("lora", "second", fitted.last, second) if second else fitted


def _rate(train: Train, parameter_name: str) -> float:
    """dW may learn at a rate of its own."""
    if train.adapter_learning_rate and adapters.is_low_rank(parameter_name):
        return train.adapter_learning_rate
    return train.learning_rate


def _loss(pipeline, silence: torch.Tensor, params: Params) -> Loss:
    """What fine-tuning minimises: the error of the noise that the UNet predicts with what the ControlNets add."""
    unet, scaling, train = pipeline.unet, pipeline.vae.config.scaling_factor, params.train
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    reward = edge_loss(pipeline.vae.requires_grad_(False), train.edge) if train.edge.weight else None
    if train.gradient_checkpointing:
        pipeline.vae.enable_gradient_checkpointing()

    def loss(controlnet, batch, draws):
        latents = scaling * sample_latents(batch["latent_mean"], batch["latent_logvar"], draws)
        words = torch.where(draws.uniform((len(latents), 1, 1)) < train.prompt_dropout, silence, batch["embedding"])
        seen = controlnet_cond(batch, params.conditions)
        if train.condition_dropout:
            seen = [one * (draws.uniform((len(one), 1, 1, 1)) >= train.condition_dropout) for one in seen]

        def model_output(noisy_latents, timesteps):
            return predict(unet, controlnet, noisy_latents, timesteps, words, seen)

        weights = None
        if train.background_weight < 1:
            weights = train.background_weight + (1 - train.background_weight) * batch["matte"]
        # Validation sees the error of the noise alone, so that trainings with and without this can be compared.
        edges = reward if draws.step is not None and draws.step % train.edge.every == 0 else None
        return noise_loss(
            model_output, latents, noise_scheduler, draws, train.snr_gamma, weights, edges, train.edge.below
        )

    return loss


def _validation_loss(loss, controlnet, batches: DataLoader, device, precision) -> float:
    """The loss on fixed examples with fixed noise, each seen at several timesteps."""
    draws = BatchRandom(device).seed(0)
    total = count = 0
    for batch in batches:
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        with torch.autocast(device.type, devices.DTYPES[precision], enabled=precision != "fp32"):
            losses = [loss(controlnet, batch, draws) for _ in range(VALIDATION_DRAWS)]
        size = len(batch["latent_mean"])
        total, count = total + size * torch.stack(losses).mean().item(), count + size
    return total / count


def _mosaic(pipeline, records: list[dict], params: Params) -> np.ndarray:
    """Sketch, drawn, target of some validation examples, one a row."""
    images = sampling.generate(
        pipeline,
        [record["prompt"] for record in records],
        range(len(records)),
        SamplingSettings.from_params(params.generate, params.resolution),
        control_images=[control_images_of(record, params.conditions) for record in records],
        description="validation images",
    )
    sketches = [io.read_grey(record["sketch"]) for record in records]
    targets = [io.read(record["photo"]) for record in records]
    return mosaic({"sketch": sketches, "drawn": list(images), "target": targets})
