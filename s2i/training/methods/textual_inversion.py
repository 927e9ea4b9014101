"""A new word for a class, or for all there is: its embedding alone is trained, the base stays as it is.

The new word is a token of its own, the placeholder.
Source: Gal et al. 2022, "An image is worth one word: personalizing text-to-image generation using textual inversion".
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.func import functional_call
from transformers import CLIPTextModel

from s2i.core import cache, devices
from s2i.core.errors import UserError
from s2i.core.params import Params, TextualInversion
from s2i.diffusion import base, image_cache, model_folder, sampling
from s2i.diffusion.image_cache import GenerationTask
from s2i.diffusion.sampling import SamplingSettings
from s2i.imaging.mosaics import mosaic
from s2i.training import setup
from s2i.training.memory import explain_out_of_memory
from s2i.training.methods import text_only
from s2i.training.methods.text_only import PromptedUNet
from s2i.vocabulary import templates
from s2i.vocabulary.attributes import label_in_words

SHOWN = 4  # images generated with every placeholder
ALL = "all"  # what the placeholder for everything is called


class InvertedUNet(PromptedUNet):
    """A UNet and a text encoder whose last token trains, in the place of the last row of its table of embeddings."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: CLIPTextModel):
        super().__init__(unet, text_encoder)
        table = text_encoder.get_input_embeddings().weight
        self.name = next(name for name, parameter in text_encoder.named_parameters() if parameter is table)
        self.row = nn.Parameter(table[-1:].detach().clone())

    def prompt_embeds(self, tokens: Tensor) -> Tensor:
        """Token ids (B, L) -> their embeddings in the context of the prompt (B, L, D)."""
        table = torch.cat([self.text_encoder.get_parameter(self.name)[:-1], self.row])
        prompt_embeds: Tensor = functional_call(self.text_encoder, {self.name: table}, (tokens,)).last_hidden_state
        return prompt_embeds


@explain_out_of_memory()
def train(records: Iterable[dict[str, Any]], encoded: Path, target: Path, log_dir: Path, params: Params) -> None:
    """Train a word for each class, or one for all, and write each into target/words as diffusers loads it.

    An interrupted run with the same images and parameters goes on.  Raises UserError when a class has no images,
    or when a word is in the vocabulary already.
    """
    settings = params.textual_inversion
    images = text_only.images_by_class(records, settings)
    labels = list(images) if settings.classes is None else settings.classes
    subjects = text_only.choose_subjects(images, labels, "textual_inversion.classes", settings)
    device, precision = devices.pick(params.device, params.precision)
    pipeline = base.load(params.base, None).to(device)
    content = [[cache.file_hash(file) for file in files] for files in subjects.values()]
    checkpoints = setup.checkpoint_folder(params, {"textual_inversion", "resolution"}, [params.base], __name__, content)
    (pipeline.unet,) = setup.prepare_models([], [pipeline.unet], params.train, device, precision)
    pipeline.text_encoder.requires_grad_(False)
    loss = text_only.denoising_loss(pipeline, params, {"subject": 1.0})
    generated = {}
    with setup.open_session(checkpoints, log_dir, params) as session:
        for number, (name, classes) in enumerate(_classes_by_placeholder(subjects, settings).items()):
            placeholder = add_placeholder(pipeline, name, settings)
            examples = []
            for label, files in classes.items():
                prompt = text_only.fill_naming(settings.naming, placeholder, label)
                sentences = sentences_of(settings, placeholder, label)
                examples += text_only.encode_images_of(pipeline, files, sentences, params, "subject", settings.flip)
            model = InvertedUNet(pipeline.unet, pipeline.text_encoder)
            session.fit(model, loss, examples, str(number), seed_offset=number, description=f"learn {placeholder}")
            row = model.row.detach().cpu()[0]
            pipeline.text_encoder.get_input_embeddings().weight.data[-1] = row
            (target / model_folder.NEW_WORDS).mkdir(parents=True, exist_ok=True)
            save_file({placeholder: row.clone()}, target / model_folder.NEW_WORDS / f"{number:03}.safetensors")
            generated[name] = _generate(pipeline, prompt, name, params)
        session.tracker.image(session.fitted.last, "words", mosaic(generated))


def generation_task(examples: list[dict[str, Any]], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From the placeholder of each example's class."""
    settings = params.textual_inversion
    labels = [_label(example) for example in examples]
    placeholders = [placeholder_of(ALL if settings.per == "all" else label) for label in labels]
    return text_only.generation_task(examples, _prompts(placeholders, labels, settings), trained, params)


def untouched_task(examples: list[dict[str, Any]], params: Params) -> GenerationTask:
    """From the name of its class in the placeholder's place."""
    labels = [_label(example) for example in examples]
    prompts = _prompts(map(label_in_words, labels), labels, params.textual_inversion)
    return text_only.generation_task(examples, prompts, None, params)


def _classes_by_placeholder(
    subjects: Mapping[str, list[Path]], settings: TextualInversion
) -> dict[str, dict[str, list[Path]]]:
    """{what a placeholder stands for: {class: its images}}."""
    if settings.per == "all":
        return {ALL: dict(subjects)}
    return {label: {label: files} for label, files in subjects.items()}


def _label(example: Mapping[str, Any]) -> str:
    return example.get("label") or ""


def _prompts(tokens: Iterable[str], labels: Iterable[str], settings: TextualInversion) -> list[str]:
    return [text_only.fill_naming(settings.naming, token, label) for token, label in zip(tokens, labels, strict=True)]


def sentences_of(settings: TextualInversion, placeholder: str, label: str) -> list[str]:
    """What the placeholder for a class is learned in."""
    medium = "photo" if settings.of == "photo" else "drawing"
    sentences = templates.expanded(settings.templates, medium)
    return [text_only.fill_naming(sentence, placeholder, label) for sentence in sentences]


def placeholder_of(label: str) -> str:
    """The new word for a class: <car-sedan> for car_(sedan)."""
    return f"<{'-'.join(re.findall(r'[a-z0-9]+', label.lower()))}>"


def add_placeholder(pipeline: StableDiffusionPipeline, label: str, settings: TextualInversion) -> str:
    """Add a class's new word to tokenizer and text encoder; it starts as the mean of its initial word's embeddings.

    Raises UserError when the vocabulary has it, or when the initial word tokenises to nothing.
    """
    placeholder = placeholder_of(label)
    if not pipeline.tokenizer.add_tokens(placeholder):
        raise UserError(
            f"textual_inversion: '{placeholder}' is in the vocabulary of the base already; rename the class."
        )
    initial = settings.initial or label_in_words(label)
    pieces = pipeline.tokenizer(initial, add_special_tokens=False).input_ids
    if not pieces:
        raise UserError(f"textual_inversion.initial is {initial!r}, of which the tokenizer leaves nothing.")
    pipeline.text_encoder.resize_token_embeddings(len(pipeline.tokenizer), mean_resizing=False)
    table = pipeline.text_encoder.get_input_embeddings().weight
    table.data[-1] = table.data[pieces].mean(dim=0)
    return placeholder


def _generate(pipeline: StableDiffusionPipeline, prompt: str, label: str, params: Params) -> list[np.ndarray]:
    """Images of a prompt, always from the same noise."""
    seeds = [image_cache.seed_of(params.seed, label, number) for number in range(SHOWN)]
    settings = SamplingSettings.from_params(params.generate, params.resolution)
    return list(sampling.generate(pipeline, [prompt] * SHOWN, seeds, settings, description=f"draw {label}"))
