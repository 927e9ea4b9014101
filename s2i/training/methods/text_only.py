"""What the methods that draw from words alone have in common: the model, what it learns from, how it draws."""

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from torch import nn

from s2i.core.errors import UserError
from s2i.core.params import Learned, Params
from s2i.diffusion import base
from s2i.diffusion.encoding import Encoder
from s2i.diffusion.image_cache import GenerationTask
from s2i.imaging import io
from s2i.training import losses
from s2i.training.losses import sample_latents
from s2i.training.randomness import BatchRandom
from s2i.vocabulary.attributes import label_in_words

FREQUENT = 40_000  # of CLIP's 49,152 merges, from the most frequent on: words made by these are in common use


class PromptedUNet(nn.Module):
    """A UNet and the text encoder it listens to, as one module with one forward."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: nn.Module):
        super().__init__()
        self.unet, self.text_encoder = unet, text_encoder

    def forward(self, noisy_latents, timesteps, tokens):
        """(B, C, h, w), (B,), (B, L) -> noise or velocity (B, C, h, w)."""
        return self.unet(noisy_latents, timesteps, self.words(tokens)).sample

    def words(self, tokens: torch.Tensor) -> torch.Tensor:
        """What the UNet hears: (B, L) -> (B, L, D)."""
        return self.text_encoder(tokens).last_hidden_state


def members(records: Iterable[dict], learned: Learned) -> dict[str, list[Path]]:
    """{class: its training sketches or photos, as many as ``learned.images`` says, of different photos first}."""
    photos: dict[str, dict[str, dict]] = {}
    for record in records:
        if record["split"] == "train" and record.get("label"):
            photos.setdefault(record["label"], {})[record["id"]] = record
    found = {}
    for label, of_class in sorted(photos.items()):
        ordered = [of_class[photo_id] for photo_id in sorted(of_class)]
        if learned.of == "photo":
            files = [record["photo"] for record in ordered]
        else:
            rounds = max(len(record["sketches"]) for record in ordered)
            rows = [sorted(record["sketches"].items()) for record in ordered]
            files = [row[turn][1] for turn in range(rounds) for row in rows if turn < len(row)]
        found[label] = [Path(file) for file in files[: learned.images]]
    return found


def chosen(found: dict[str, list[Path]], labels: Sequence[str], key: str, learned: Learned) -> dict[str, list[Path]]:
    """The members of some classes; warns where there are few, raises UserError where there are none."""
    for label in labels:
        if not found.get(label):
            raise UserError(
                f"{key}: no {learned.of} to train on is a '{label}'; there are {', '.join(found) or 'no classes'}."
            )
        if learned.images and len(found[label]) < learned.images:
            warnings.warn(
                f"{key}: '{label}' has {len(found[label])} of the {learned.images} images asked for.",
                stacklevel=2,
            )
    return {label: found[label] for label in labels}


def named(naming: str, token: str, label: str) -> str:
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


def tokens_of(pipeline: StableDiffusionPipeline, prompt: str, count: int) -> torch.Tensor:
    """A prompt's token ids, (count, L)."""
    tokens = pipeline.tokenizer([prompt], padding="max_length", truncation=True, return_tensors="pt").input_ids
    return tokens.expand(count, -1)


def encoded(
    pipeline: StableDiffusionPipeline, files: Sequence[Path], prompt: str, params: Params, kind: str
) -> list[dict]:
    """An example an image: KIND.latent_mean, KIND.latent_logvar (C, h, w) and KIND.tokens (L,)."""
    images = [_read(file, params.resolution) for file in files]
    mean, logvar = Encoder(pipeline, params.encode.batch_size).latents(images)
    columns = zip(mean, logvar, tokens_of(pipeline, prompt, len(files)), strict=True)
    names = [f"{kind}.{name}" for name in ("latent_mean", "latent_logvar", "tokens")]
    return [dict(zip(names, column, strict=True)) for column in columns]


def _read(file: Path, resolution: int) -> np.ndarray:
    image = io.read(file)
    if image.shape[:2] != (resolution, resolution):
        raise UserError(f"{file} is not of {resolution} px, as params.yaml wants: run `dvc repro ingest`.")
    return image


def denoising_loss(pipeline: StableDiffusionPipeline, params: Params, kinds: dict[str, float]):
    """A loss for `s2i.training.loop.fit`: the error of the noise of each kind of example, times its weight."""
    noise_scheduler = DDPMScheduler.from_config(pipeline.scheduler.config)
    scaling = pipeline.vae.config.scaling_factor

    def loss(model: nn.Module, batch: dict, draws: BatchRandom) -> torch.Tensor:
        def error(kind: str) -> torch.Tensor:
            latents = scaling * sample_latents(batch[f"{kind}.latent_mean"], batch[f"{kind}.latent_logvar"], draws)
            tokens = batch[f"{kind}.tokens"]
            return losses.noise_loss(
                lambda noisy, timesteps: model(noisy, timesteps, tokens),
                latents,
                noise_scheduler,
                draws,
                params.train.snr_gamma,
            )

        return sum(weight * error(kind) for kind, weight in kinds.items())

    return loss


def draw_task(examples: list[dict], prompts: Sequence[str], trained: Path | None, params: Params) -> GenerationTask:
    """Of each example from its own prompt, by the trained model, or by the base."""
    said = [one | {"prompt": prompt} for one, prompt in zip(examples, prompts, strict=True)]
    models = [params.base] if trained is None else [params.base, trained]
    return GenerationTask(said, models, lambda dtype: base.load_trained(params.base, trained, dtype))
