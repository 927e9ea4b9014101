"""Fine-tune the ControlNet on sketches, the rest of the base frozen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import StableDiffusionControlNetPipeline
from torch.utils.data import DataLoader

from s2i.core import cache, devices
from s2i.core.errors import UserError
from s2i.core.files import write_json
from s2i.core.params import Params, Train
from s2i.diffusion import adapters, base, model_folder, placement
from s2i.diffusion.controlnets import ControlledUNet, controlnets_of
from s2i.diffusion.encoding import EncodedExamples, check_encoded_for, empty_prompt_embeds
from s2i.diffusion.image_cache import GenerationTask
from s2i.training import setup
from s2i.training.control_loss import control_loss, without_choices
from s2i.training.memory import explain_out_of_memory
from s2i.training.optimizers import make_optimizer
from s2i.training.randomness import ExampleRandom
from s2i.training.run import Loss
from s2i.training.setup import TrainingSession
from s2i.training.validation_images import ValidationImages

LEVELS = 8  # of noise that each validation example is seen at


@explain_out_of_memory()
def train(records: Iterable[dict[str, Any]], encoded: Path, target: Path, log_dir: Path, params: Params) -> None:
    """Fine-tune on ``encoded`` and write the merged ControlNet and its adapter into ``target``, one for each condition.

    With ``train.unet_rank`` a LoRA of the UNet trains beside them, and is written into target/unet_lora.
    Figures and images of the run go to ``log_dir``.  An interrupted run with the same data and parameters goes on.
    Raises UserError when the examples were encoded for another base, resolution or other conditions.
    """
    pipeline = load_pipeline(params)
    examples, images = EncodedExamples(encoded, "train"), ValidationImages(records, params)
    check_encoded_for(examples[0], encoded, params)
    empty_embeds = empty_prompt_embeds(encoded).to(pipeline.device)
    loss, validation = control_loss(pipeline, empty_embeds, params), None
    if images.candidates:  # none after a last fit on all photos
        plain_loss = control_loss(pipeline, empty_embeds, without_choices(params))
        validation = Validation(plain_loss, EncodedExamples(encoded, "val"), images)
    elif params.train.switch == "plateau" and params.adapter == "two-step":
        raise UserError("train.switch is plateau, and no photo is held out to see one by: set it to a share.")
    counter = [cache.file_hash(Path(params.train.edge.counter))] if params.train.edge.weight else []
    checkpoints = setup.checkpoint_folder(
        params, {"conditions"}, [params.base, params.controlnet], __name__, cache.folder_hash(encoded), counter
    )
    with setup.open_session(checkpoints, log_dir, params) as session:
        training = ControlNetTraining(session, pipeline, loss, examples, validation)
        if params.adapter == "none" and not params.train.unet_rank:
            training.freeze()
        elif params.adapter == "two-step":
            first_steps, second_steps = two_steps(params.train)
            training.fit("modified", first_steps, "first")
            training.merge()
            training.fit("lora", second_steps, "second")
        else:
            training.fit(params.adapter, params.train.steps, "weights")
        session.tracker.figures(session.fitted.last, {"best_step": session.fitted.best})
    setup.save_controlnets(pipeline.controlnet, target, projections=params.adapter == "two-step")
    if params.train.unet_rank:
        adapters.save_unet_lora(pipeline, target / model_folder.UNET_LORA)
    write_json(target / model_folder.SETTINGS, {"conditions": params.conditions})


def load_pipeline(params: Params) -> StableDiffusionControlNetPipeline:
    """The base with a ControlNet for each condition on the device, set up to train those and, where asked, the UNet."""
    device, precision = devices.pick(params.device, params.precision)
    pipeline = base.load(params.base, base.load_controlnet(*[params.controlnet] * len(params.conditions)))
    trained = controlnets_of(pipeline.controlnet)
    if params.train.unet_rank:
        setup.prepare_models([*trained, pipeline.unet], [], params.train, device, precision)
    else:
        (pipeline.unet,) = setup.prepare_models(trained, [pipeline.unet], params.train, device, precision)
    return pipeline.to(device)


def inject(pipeline: StableDiffusionControlNetPipeline, adapter: str, params: Params) -> None:
    """Set what an adapter names of the ControlNets, and the LoRA of the UNet where there is to be one, to train."""
    torch.manual_seed(params.training_seed)
    models = controlnets_of(pipeline.controlnet)
    for controlnet in models:
        adapters.inject(controlnet, adapter, params.rank, params.train.alpha, params.train.encoder_blocks)
    if params.train.unet_rank:
        if not getattr(pipeline.unet, "peft_config", None):  # the second of two steps goes on with it
            adapters.inject(pipeline.unet, "lora", params.train.unet_rank)
        models = [*models, pipeline.unet]
    device, _ = devices.pick(params.device, params.precision)
    placement.move_to(device, *models, channels_last=params.train.channels_last)


class Validation(NamedTuple):
    """What a training is validated with: held-out examples and their loss, and sketches that are drawn."""

    loss: Loss
    examples: EncodedExamples
    images: ValidationImages


@dataclass
class ControlNetTraining:
    """A pipeline whose ControlNets, and a LoRA of whose UNet, are trained, in one step or in several.

    examples: what they are trained on.  validation: None where no photo is held out.
    """

    session: TrainingSession
    pipeline: StableDiffusionControlNetPipeline
    loss: Loss
    examples: EncodedExamples
    validation: Validation | None

    def fit(self, adapter: str, steps: int, name: str) -> None:
        """Train what an adapter names; 0 steps change nothing.  name: of the folder of its checkpoints."""
        if not steps:
            return
        params = self.session.params
        inject(self.pipeline, adapter, params)
        self.session.fit(
            self.model,
            self.loss,
            self.examples,
            name,
            seed_offset=self.session.fitted.last,
            settings=params.train.model_copy(update={"steps": steps}),
            make_optimizer=partial(make_optimizer, rate_of=partial(learning_rate_of, params.train)),
            validate=self.validate if self.validation else None,
        )

    @property
    def model(self) -> ControlledUNet:
        """UNet and ControlNets as one model."""
        return ControlledUNet(self.pipeline.unet, self.pipeline.controlnet)

    def merge(self) -> None:
        """Add what an adapter has learned to the weights, which leaves plain ControlNets."""
        for controlnet in controlnets_of(self.pipeline.controlnet):
            adapters.merge(controlnet)

    def freeze(self) -> None:
        """Train nothing."""
        for controlnet in controlnets_of(self.pipeline.controlnet):
            adapters.inject(controlnet, "none", self.session.params.rank)

    @torch.no_grad()
    def validate(self, step: int) -> float:
        """The error of drawn validation sketches after a step, or of the noise where none is drawn; both tracked."""
        assert self.validation
        step, tracker, images = self.session.fitted.last + step, self.session.tracker, self.validation.images
        loss = self.validation_loss(self.validation)
        tracker.figures(step, {"validation_loss": loss})
        if not images.examples:
            return loss
        drawn = images.draw(self.pipeline, steps=self.session.params.train.validation_steps)
        scores = images.score(drawn)
        images.track(tracker, step, scores, {"drawn": drawn})
        return scores.error

    def validation_loss(self, validation: Validation) -> float:
        """The error of the noise on the held-out examples, at the middle of each of `LEVELS` parts of the timesteps.

        Noise hangs on the example alone, nothing is left out, and all counts alike, so trainings can be compared.
        """
        params, losses = self.session.params, []
        device, precision = devices.pick(params.device, params.precision)
        size = max(1, params.train.batch_size // params.train.accumulate)
        for number, batch in enumerate(DataLoader(validation.examples, size)):
            batch = {name: tensor.to(device) for name, tensor in batch.items()}
            numbers = range(number * size, number * size + len(batch["latent_mean"]))
            for level in range(LEVELS):
                rng = ExampleRandom(device, numbers, level, LEVELS)
                with torch.autocast(device.type, devices.DTYPES[precision], enabled=precision != "fp32"):
                    loss = validation.loss(self.model, batch, rng)
                losses.append(loss.item() * len(numbers))
        return sum(losses) / LEVELS / len(validation.examples)


def two_steps(train: Train) -> tuple[int, int]:
    """How many steps modified LoRA, and then LoRA, trains at most; with ``plateau`` validation ends each before."""
    if train.switch == "plateau":
        return train.steps, train.steps
    first = round(train.steps * train.switch)
    return first, train.steps - first


def learning_rate_of(train: Train, parameter_name: str) -> float:
    """The learning rate of a parameter: dW may have its own."""
    if train.adapter_learning_rate and adapters.is_low_rank(parameter_name):
        return train.adapter_learning_rate
    return train.learning_rate


def generation_task(examples: list[dict[str, Any]], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From each example's sketch and prompt."""
    controlnets = model_folder.controlnet_folders(trained, len(params.conditions))
    return _task(examples, controlnets, params.conditions, params, trained)


def untouched_task(examples: list[dict[str, Any]], params: Params) -> GenerationTask:
    """By the ControlNet as it was, which knows sketches alone."""
    return _task(examples, [params.controlnet], ["sketch"], params)


def _task(
    examples: list[dict[str, Any]],
    controlnets: Sequence[str | Path],
    conditions: Sequence[str],
    params: Params,
    trained: Path | None = None,
) -> GenerationTask:
    """trained: the folder of a model that may have a LoRA of the UNet."""

    def load(dtype: torch.dtype) -> StableDiffusionControlNetPipeline:
        pipeline = base.load(params.base, base.load_controlnet(*controlnets, dtype=dtype), dtype)
        if trained:
            base.add_unet_lora(pipeline, trained)
        return pipeline

    models: list[str | Path] = [params.base, *controlnets]
    if trained and (trained / model_folder.UNET_LORA).is_dir():
        models.append(trained / model_folder.UNET_LORA)
    return GenerationTask(examples, models, load, conditions)
