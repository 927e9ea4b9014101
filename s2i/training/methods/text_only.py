"""What the methods that draw from a prompt alone have in common: the model, its examples, its loss, how it draws."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from diffusers import DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import Tensor, nn

from s2i.core.errors import UserError
from s2i.core.params import Learned, Params
from s2i.diffusion import base
from s2i.diffusion.encoding import Encoder
from s2i.diffusion.image_cache import GenerationTask
from s2i.imaging import io
from s2i.training.losses import noise_loss, sample_latents
from s2i.training.randomness import BatchRandom
from s2i.training.run import Loss
from s2i.vocabulary.attributes import label_in_words

FREQUENT = 40_000  # of CLIP's 49,152 merges, from the most frequent on: words made by these are in common use


class PromptedUNet(nn.Module):
    """A UNet and the text encoder it is conditioned on, as one module with one forward."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: nn.Module):
        super().__init__()
        self.unet, self.text_encoder = unet, text_encoder

    def forward(self, noisy_latents: Tensor, timesteps: Tensor, tokens: Tensor) -> Tensor:
        """(B, C, h, w), (B,), (B, L) -> noise or velocity (B, C, h, w)."""
        model_output: Tensor = self.unet(noisy_latents, timesteps, self.prompt_embeds(tokens)).sample
        return model_output

    def prompt_embeds(self, tokens: Tensor) -> Tensor:
        """Token ids (B, L) -> their embeddings in the context of the prompt (B, L, D)."""
        prompt_embeds: Tensor = self.text_encoder(tokens).last_hidden_state
        return prompt_embeds


def images_by_class(records: Iterable[dict[str, Any]], settings: Learned) -> dict[str, list[Path]]:
    """{class: its training sketches or photos, as many as ``settings.images`` says, of different photos first}."""
    classes: dict[str, dict[str, dict[str, Any]]] = {}
    for record in records:
        if record["split"] == "train" and record.get("label"):
            classes.setdefault(record["label"], {}).setdefault(record["id"], record)  # the whole photo comes first
    images = {}
    for label, photos in sorted(classes.items()):
        ordered = [photos[photo_id] for photo_id in sorted(photos)]
        if settings.of == "photo":
            files = [record["photo"] for record in ordered]
        else:
            sketches = [sorted(record["sketches"].items()) for record in ordered]
            rounds = max(map(len, sketches))
            files = [of_photo[index][1] for index in range(rounds) for of_photo in sketches if index < len(of_photo)]
        images[label] = [Path(file) for file in files[: settings.images]]
    return images


def choose_subjects(
    images: dict[str, list[Path]], labels: Sequence[str], key: str, settings: Learned
) -> dict[str, list[Path]]:
    """The images of some classes; warns where there are few, raises UserError where there are none."""
    for label in labels:
        if not images.get(label):
            raise UserError(
                f"{key}: no {settings.of} to train on is a '{label}'; there are {', '.join(images) or 'no classes'}."
            )
        if settings.images and len(images[label]) < settings.images:
            warnings.warn(
                f"{key}: '{label}' has {len(images[label])} of the {settings.images} images asked for.",
                stacklevel=2,
            )
    return {label: images[label] for label in labels}


def fill_naming(naming: str, token: str, label: str) -> str:
    """A prompt from its template; without a token there is one space less."""
    return " ".join(naming.format(token=token, label=label_in_words(label)).split())


def check_token(pipeline: StableDiffusionPipeline, token: str, key: str) -> None:
    """Raise UserError for a word that has no tokens; warn of one that the base knows already."""
    pieces = pipeline.tokenizer(token, add_special_tokens=False).input_ids
    if not pieces:
        raise UserError(
            f"{key} is {token!r}, of which the tokenizer leaves nothing: set it to a rare word such as sks."
        )
    if len(pieces) == 1 and pieces[0] < FREQUENT:
        warnings.warn(f"{key}: '{token}' is a word that the base knows; a rare one forgets less.", stacklevel=2)


def tokens_of(pipeline: StableDiffusionPipeline, prompt: str, count: int) -> Tensor:
    """A prompt's token ids, (count, L)."""
    tokens: Tensor = pipeline.tokenizer([prompt], padding="max_length", truncation=True, return_tensors="pt").input_ids
    return tokens.expand(count, -1)


def encode_images_of(
    pipeline: StableDiffusionPipeline,
    files: Sequence[Path],
    prompts: Sequence[str],
    params: Params,
    kind: str,
    flip: bool = False,
) -> list[dict[str, Tensor]]:
    """An example for each image with each prompt: KIND.latent_mean, KIND.latent_logvar (C, h, w), KIND.tokens (L,).

    flip: the mirrored images follow the images.
    """
    images = [_read(file, params.resolution) for file in files]
    if flip:
        images += [np.ascontiguousarray(image[:, ::-1]) for image in images]
    mean, logvar = Encoder(pipeline, params.encode.batch_size).latents(images)
    names = [f"{kind}.{name}" for name in ("latent_mean", "latent_logvar", "tokens")]
    return [
        dict(zip(names, column, strict=True))
        for prompt in prompts
        for column in zip(mean, logvar, tokens_of(pipeline, prompt, len(images)), strict=True)
    ]


def _read(file: Path, resolution: int) -> np.ndarray:
    """The middle square of an image: words are learned without what would keep margins out of the loss."""
    image = io.read(file)
    if max(image.shape) != resolution:
        raise UserError(f"{file} is not of {resolution} px, as params.yaml wants: run `dvc repro ingest`.")
    return io.resize_and_crop(image, resolution)


def denoising_loss(pipeline: StableDiffusionPipeline, params: Params, kinds: Mapping[str, float]) -> Loss:
    """A loss for `s2i.training.loop.fit`: the error of the noise of each kind of example, times its weight."""
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    scaling = pipeline.vae.config.scaling_factor

    def loss(model: nn.Module, batch: dict[str, Tensor], rng: BatchRandom) -> Tensor:
        def error(kind: str) -> Tensor:
            latents = scaling * sample_latents(batch[f"{kind}.latent_mean"], batch[f"{kind}.latent_logvar"], rng)
            tokens = batch[f"{kind}.tokens"]

            def predict(noisy_latents: Tensor, timesteps: Tensor) -> Tensor:
                model_output: Tensor = model(noisy_latents, timesteps, tokens)
                return model_output

            return noise_loss(predict, latents, noise_scheduler, rng, params.train.snr_gamma)

        first, *others = [weight * error(kind) for kind, weight in kinds.items()]
        return sum(others, start=first)

    return loss


def generation_task(
    examples: list[dict[str, Any]], prompts: Sequence[str], trained: Path | None, params: Params
) -> GenerationTask:
    """Each example from its own prompt, by the trained model, or by the base."""
    prompted = [example | {"prompt": prompt} for example, prompt in zip(examples, prompts, strict=True)]
    models: list[str | Path] = [params.base] if trained is None else [params.base, trained]
    return GenerationTask(prompted, models, lambda dtype: base.load_trained(params.base, trained, dtype))
