"""Fine-tune the ControlNet on sketches, the rest of the base frozen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from diffusers import DDPMScheduler, StableDiffusionControlNetPipeline
from torch import Tensor, nn
from torch.utils.data import DataLoader

from s2i.core import cache, devices
from s2i.core.files import write_json
from s2i.core.params import Params, Train
from s2i.diffusion import adapters, base, model_folder, placement
from s2i.diffusion.controlnets import controlnet_cond, controlnets_of, predict
from s2i.diffusion.encoding import EncodedExamples, check_encoded_for, empty_prompt_embeds
from s2i.diffusion.image_cache import GenerationTask
from s2i.training import setup
from s2i.training.edge_loss import edge_loss
from s2i.training.losses import OriginalLoss, noise_loss, sample_latents
from s2i.training.memory import explain_out_of_memory
from s2i.training.optimizers import make_optimizer
from s2i.training.randomness import BatchRandom
from s2i.training.run import Loss
from s2i.training.setup import TrainingSession
from s2i.training.validation_images import comparison, generate_images

SHOWN = 4  # validation examples that images are generated of while training
VALIDATION_DRAWS = 4  # timesteps and noises that each validation example is seen with


@explain_out_of_memory()
def train(records: Iterable[dict[str, Any]], encoded: Path, target: Path, log_dir: Path, params: Params) -> None:
    """Fine-tune on ``encoded`` and write the merged ControlNet and its adapter into ``target``, one for each condition.

    Figures and images of the run go to ``log_dir``.  An interrupted run with the same data and parameters goes on.
    Raises UserError when the examples were encoded for another base, resolution or other conditions.
    """
    device, precision = devices.pick(params.device, params.precision)
    controlnet = base.load_controlnet(*[params.controlnet] * len(params.conditions))
    pipeline = base.load(params.base, controlnet)
    trained = controlnets_of(controlnet)
    (pipeline.unet,) = setup.prepare_models(trained, [pipeline.unet], params.train, device, precision)
    pipeline.to(device)
    examples, held_out = EncodedExamples(encoded, "train"), EncodedExamples(encoded, "val")
    check_encoded_for(examples[0], encoded, params)
    loss = control_loss(pipeline, empty_prompt_embeds(encoded).to(device), params)
    shown = list(islice((record for record in records if record["split"] == "val"), SHOWN))
    counter = [cache.file_hash(Path(params.train.edge.counter))] if params.train.edge.weight else []
    checkpoints = setup.checkpoint_folder(
        params, {"conditions"}, [params.base, params.controlnet], __name__, cache.folder_hash(encoded), counter
    )
    with setup.open_session(checkpoints, log_dir, params) as session:
        training = ControlNetTraining(session, pipeline, loss, examples, held_out, shown)
        if params.adapter == "none":
            training.freeze()
        elif params.adapter == "two-step":
            first_steps, second_steps = two_steps(params.train)
            training.fit("modified", first_steps, "first")
            training.merge()
            training.fit("lora", second_steps, "second")
        else:
            training.fit(params.adapter, params.train.steps, "weights")
        session.tracker.figures(session.fitted.last, {"best_step": session.fitted.best})
    setup.save_controlnets(controlnet, target, projections=params.adapter == "two-step")
    write_json(target / model_folder.SETTINGS, {"conditions": params.conditions})


@dataclass
class ControlNetTraining:
    """A pipeline whose ControlNets are trained, in one step or in several.

    examples, held_out: what they are trained on and validated with.  shown: records of validation examples, which
    images are generated of.
    """

    session: TrainingSession
    pipeline: StableDiffusionControlNetPipeline
    loss: Loss
    examples: EncodedExamples
    held_out: EncodedExamples
    shown: Sequence[dict[str, Any]]

    def fit(self, adapter: str, steps: int, name: str) -> None:
        """Train what an adapter names; 0 steps change nothing.  name: of the folder of its checkpoints."""
        if not steps:
            return
        params = self.session.params
        torch.manual_seed(params.training_seed)
        controlnets = controlnets_of(self.pipeline.controlnet)
        for controlnet in controlnets:
            adapters.inject(controlnet, adapter, params.rank, params.train.alpha, params.train.encoder_blocks)
        device, _ = devices.pick(params.device, params.precision)
        placement.move_to(device, *controlnets, channels_last=params.train.channels_last)
        self.session.fit(
            self.pipeline.controlnet,
            self.loss,
            self.examples,
            name,
            seed_offset=self.session.fitted.last,
            settings=params.train.model_copy(update={"steps": steps}),
            make_optimizer=partial(make_optimizer, rate_of=partial(learning_rate_of, params.train)),
            validate=self.validate,
        )

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
        """The validation loss after a step, tracked beside images of some validation examples."""
        step, params = self.session.fitted.last + step, self.session.params
        loss = self.validation_loss()
        images = generate_images(self.pipeline, self.shown, params.generate, params, "validation images")
        self.session.tracker.figures(step, {"validation_loss": loss})
        self.session.tracker.image(step, "validation", comparison(self.shown, {"drawn": images}))
        return loss

    def validation_loss(self) -> float:
        """The loss on the held-out examples, each seen at several timesteps with noise that is always the same."""
        params = self.session.params
        device, precision = devices.pick(params.device, params.precision)
        rng, total, count = BatchRandom(device).seed(0), 0.0, 0
        for batch in DataLoader(self.held_out, max(1, params.train.batch_size // params.train.accumulate)):
            batch = {name: tensor.to(device) for name, tensor in batch.items()}
            with torch.autocast(device.type, devices.DTYPES[precision], enabled=precision != "fp32"):
                losses = [self.loss(self.pipeline.controlnet, batch, rng) for _ in range(VALIDATION_DRAWS)]
            size = len(batch["latent_mean"])
            total, count = total + size * torch.stack(losses).mean().item(), count + size
        return total / count


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


def control_loss(pipeline: StableDiffusionControlNetPipeline, empty_embeds: Tensor, params: Params) -> Loss:
    """What fine-tuning minimises: the error of the noise that the UNet predicts with what the ControlNets add.

    empty_embeds: what takes the place of a share of the prompts, (tokens, width).
    """
    unet, scaling, train = pipeline.unet, pipeline.vae.config.scaling_factor, params.train
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    original_loss = None
    if train.edge.weight:
        original_loss = OriginalLoss(edge_loss(pipeline.vae.requires_grad_(False), train.edge), train.edge.below)
    if train.gradient_checkpointing:
        pipeline.vae.enable_gradient_checkpointing()

    def loss(controlnet: nn.Module, batch: dict[str, Tensor], rng: BatchRandom) -> Tensor:
        latents = scaling * sample_latents(batch["latent_mean"], batch["latent_logvar"], rng)

        # A share of the prompts is empty, a share of the control images blank.
        is_empty = rng.uniform((len(latents), 1, 1)) < train.prompt_dropout
        prompt_embeds = torch.where(is_empty, empty_embeds, batch["embedding"])
        control_images = controlnet_cond(batch, params.conditions)
        if train.condition_dropout:
            control_images = [
                images * (rng.uniform((len(images), 1, 1, 1)) >= train.condition_dropout) for images in control_images
            ]

        def model_output(noisy_latents: Tensor, timesteps: Tensor) -> Tensor:
            return predict(unet, controlnet, noisy_latents, timesteps, prompt_embeds, control_images)

        weights = None
        if train.background_weight < 1:
            weights = train.background_weight + (1 - train.background_weight) * batch["matte"]
        # Validation sees the error of the noise alone, so that trainings with and without edges can be compared.
        with_edges = rng.step is not None and rng.step % train.edge.every == 0
        return noise_loss(
            model_output, latents, noise_scheduler, rng, train.snr_gamma, weights, original_loss if with_edges else None
        )

    return loss


def generation_task(examples: list[dict[str, Any]], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From each example's sketch and prompt."""
    return _task(examples, model_folder.controlnet_folders(trained, len(params.conditions)), params.conditions, params)


def untouched_task(examples: list[dict[str, Any]], params: Params) -> GenerationTask:
    """By the ControlNet as it was, which knows sketches alone."""
    return _task(examples, [params.controlnet], ["sketch"], params)


def _task(
    examples: list[dict[str, Any]], controlnets: Sequence[str | Path], conditions: Sequence[str], params: Params
) -> GenerationTask:
    def load(dtype: torch.dtype) -> StableDiffusionControlNetPipeline:
        return base.load(params.base, base.load_controlnet(*controlnets, dtype=dtype), dtype)

    return GenerationTask(examples, [params.base, *controlnets], load, conditions)
