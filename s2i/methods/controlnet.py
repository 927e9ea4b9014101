"""Fine-tune the ControlNet on sketches, the rest of the base frozen."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from diffusers import ControlNetModel, DDPMScheduler, UNet2DConditionModel
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from torch.utils.data import DataLoader

from s2i import adapters, base, cache, controls, devices, images, objectives, sampling
from s2i.draw_tasks import DrawTask
from s2i.draws import Draws
from s2i.edge_loss import edge_loss
from s2i.encoding import EncodedExamples, empty_prompt, encoded_for, sample_latents
from s2i.errors import UserError
from s2i.methods import models
from s2i.mosaics import mosaic
from s2i.params import Params, Train
from s2i.training import Fitted, Loss, enough_memory, fit

CODE = ("methods.controlnet", "edge_loss", "window_density", "metrics.perceptual")  # that decides what it learns
SHOWN = 4  # validation examples drawn while training
VALIDATION_DRAWS = 4  # timesteps and noises each validation example is seen with


@enough_memory()
def train(records: Iterable[dict], encoded: Path, target: Path, live: Path, params: Params) -> None:
    """Fine-tune on ``encoded`` and write the merged ControlNet and its adapter into ``target``, one for each condition.

    Figures and pictures of the run go to ``live``.  An interrupted run with the same data and parameters goes on.
    Raises UserError when the examples were encoded for another base, resolution or other conditions.
    """
    device, precision = devices.pick(params.device, params.precision)
    controlnet = base.load_controlnet(*[params.controlnet] * len(params.conditions))
    pipeline = base.load(params.base, controlnet)
    models.set_up(nets(controlnet), [pipeline.unet], params.train, device, precision)
    pipeline.to(device)
    examples, held_out = (EncodedExamples(encoded, split) for split in ("train", "val"))
    check(examples[0], encoded, pipeline, params)
    loss = _loss(pipeline, empty_prompt(encoded).to(device), params)
    batches = DataLoader(held_out, max(1, params.train.batch_size // params.train.accumulate))
    shown = list(islice((record for record in records if record["split"] == "val"), SHOWN))
    counter = [cache.file_hash(Path(params.train.edge.counter))] if params.train.edge.weight else []
    checkpoints = models.checkpoints(
        params, {"conditions"}, [params.base, params.controlnet], CODE, cache.folder_hash(encoded), counter
    )

    with models.tracked(checkpoints, live, params) as tracker:

        def learn(adapter: str, place: str, first_step: int, steps: int) -> Fitted:
            """Train what an adapter names; steps are counted on from ``first_step``."""
            torch.manual_seed(params.training_seed)
            for net in nets(controlnet):
                adapters.inject(net, adapter, params.rank, params.train.alpha, params.train.encoder_blocks)
            devices.suit(device, *nets(controlnet), channels_last=params.train.channels_last)

            @torch.no_grad()
            def validate(step: int) -> float:
                value = _validation_loss(loss, controlnet, batches, device, precision)
                tracker.figures(first_step + step, {"validation_loss": value})
                tracker.picture(first_step + step, "validation", _mosaic(pipeline, shown, params))
                return value

            fitted = fit(
                controlnet,
                loss,
                examples,
                params.train.model_copy(update={"steps": steps}),
                checkpoints / place,
                device=device,
                precision=precision,
                seed=params.training_seed + first_step,
                rate_of=partial(_rate, params.train),
                validate=validate,
                log=lambda step, figures: tracker.figures(first_step + step, figures),
            )
            return Fitted(first_step + fitted.best, first_step + fitted.last)

        fitted = _taught(learn, controlnet, params)
        tracker.figures(fitted.last, {"best_step": fitted.best})
    places = base.saved_controlnets(target, len(params.conditions))
    for net, place in zip(nets(controlnet), places, strict=True):
        adapter = place.with_name(place.name.replace("controlnet", "adapter"))
        adapters.save(net, place, adapter, projections=params.adapter == "two-step")


def draw_task(examples: list[dict], trained: Path, folder: Path, params: Params) -> DrawTask:
    """From each example's sketch and prompt."""
    return _task(examples, base.saved_controlnets(trained, len(params.conditions)), params.conditions, params)


def untouched(examples: list[dict], params: Params) -> DrawTask:
    """By the ControlNet as it was, which knows sketches alone."""
    return _task(examples, [params.controlnet], ["sketch"], params)


def _task(examples: list[dict], controlnets: Sequence[str | Path], conditions: Sequence[str], params: Params):
    def load(dtype: torch.dtype):
        return base.load(params.base, base.load_controlnet(*controlnets, dtype=dtype), dtype)

    return DrawTask(examples, [params.base, *controlnets], load, conditions)


def control_images(batch: Mapping[str, torch.Tensor], conditions: Sequence[str]) -> list[torch.Tensor]:
    """What the ControlNet of each condition is shown of a batch of encoded examples, (B, 3, H, W) in [0, 1]."""
    return [batch[f"control.{name}"].expand(-1, 3, -1, -1) for name in conditions]


def prediction(
    unet: UNet2DConditionModel,
    controlnet: ControlNetModel | MultiControlNetModel,
    noisy: torch.Tensor,
    timesteps: torch.Tensor,
    words: torch.Tensor,
    seen: Sequence[torch.Tensor],
) -> torch.Tensor:
    """What the UNet predicts of noisy latents (B, C, h, w), shown what the ControlNets add; the same shape.

    words: (B, tokens, width).  seen: a batch of control images for each ControlNet.
    """
    several = {"conditioning_scale": [1.0] * len(seen)} if len(seen) > 1 else {}
    shown = seen if several else seen[0]
    down, mid = controlnet(noisy, timesteps, words, controlnet_cond=shown, **several, return_dict=False)
    residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
    return unet(noisy, timesteps, words, **residuals).sample


def nets(controlnet: ControlNetModel | MultiControlNetModel) -> list[ControlNetModel]:
    """The ControlNets of one or several."""
    return list(controlnet.nets) if isinstance(controlnet, MultiControlNetModel) else [controlnet]


def _taught(learn: Callable[[str, str, int, int], Fitted], controlnet, params: Params) -> Fitted:
    """Have the adapter learn, in two steps where it has two."""
    steps, switch = params.train.steps, params.train.switch
    if params.adapter == "none":
        for net in nets(controlnet):
            adapters.inject(net, "none", params.rank)
        return Fitted(0, 0)
    if params.adapter != "two-step":
        return learn(params.adapter, "weights", 0, steps)
    first = steps if switch == "plateau" else round(steps * switch)
    second = steps if switch == "plateau" else steps - first
    fitted = learn("modified", "first", 0, first) if first else Fitted(0, 0)
    for net in nets(controlnet):
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
        seen = control_images(batch, params.conditions)
        if train.condition_dropout:
            seen = [one * (draws.uniform((len(one), 1, 1, 1)) >= train.condition_dropout) for one in seen]

        def predict(noisy_latents, timesteps):
            return prediction(unet, controlnet, noisy_latents, timesteps, words, seen)

        weights = None
        if train.background_weight < 1:
            weights = train.background_weight + (1 - train.background_weight) * batch["matte"]
        # Validation sees the error of the noise alone, so that trainings with and without this can be compared.
        edges = reward if draws.step is not None and draws.step % train.edge.every == 0 else None
        return objectives.noise_loss(
            predict, latents, noise_scheduler, draws, train.snr_gamma, weights, edges, train.edge.below
        )

    return loss


def check(example: dict, encoded: Path, pipeline, params: Params) -> None:
    """Raise UserError when an example was not encoded for this base, resolution and these conditions."""
    if encoded_for(encoded) != cache.model_hash(params.base):
        raise UserError(f"the examples were encoded with another base than {params.base}: run `dvc repro encode`.")
    controls = {name.removeprefix("control."): one for name, one in example.items() if name.startswith("control.")}
    wanted = {
        "resolution": (next(iter(controls.values())).shape[-1], params.resolution),
        "conditions": (sorted(controls), sorted(params.conditions)),
    }
    for name, (found, needed) in wanted.items():
        if found != needed:
            raise UserError(
                f"the examples were encoded with {name} {found}, and {params.base} with params.yaml needs {needed}: "
                "run `dvc repro encode`."
            )
    if params.train.background_weight < 1 and "matte" not in example:
        raise UserError("train.background_weight weighs by mattes, which these examples have not: run `dvc repro`.")


def _validation_loss(loss, controlnet, batches: DataLoader, device, precision) -> float:
    """The loss on fixed examples with fixed noise, each seen at several timesteps."""
    draws = Draws(device).seed(0)
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
    drawn = sampling.draw(
        pipeline,
        [record["prompt"] for record in records],
        range(len(records)),
        controls=[controls.of(record, params.conditions) for record in records],
        resolution=params.resolution,
        batch_size=params.generate.batch_size,
        **params.generate.sampling,
        description="validation pictures",
    )
    sketches = [images.read_grey(record["sketch"]) for record in records]
    targets = [images.read(record["photo"]) for record in records]
    return mosaic({"sketch": sketches, "drawn": list(drawn), "target": targets})
