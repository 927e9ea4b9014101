"""A new word for a class, or for all there is: its embedding alone is trained, the base stays as it is.

Source: Gal et al. 2022, "An image is worth one word: personalizing text-to-image generation using textual inversion".
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file
from torch import nn
from torch.func import functional_call

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
from s2i.vocabulary.attributes import label_in_words

SHOWN = 4  # images drawn with every new word
ALL = "all"  # what the word for everything is called


class InvertedUNet(PromptedUNet):
    """A UNet and a text encoder whose last word trains, in the place of the last row of its table of embeddings."""

    def __init__(self, unet: nn.Module, text_encoder: nn.Module):
        super().__init__(unet, text_encoder)
        table = text_encoder.get_input_embeddings().weight
        self.name = next(name for name, one in text_encoder.named_parameters() if one is table)
        self.row = nn.Parameter(table[-1:].detach().clone())

    def words(self, tokens: torch.Tensor) -> torch.Tensor:
        table = torch.cat([self.text_encoder.get_input_embeddings().weight[:-1], self.row])
        return functional_call(self.text_encoder, {self.name: table}, (tokens,)).last_hidden_state


@explain_out_of_memory()
def train(records: Iterable[dict], encoded: Path, target: Path, live: Path, params: Params) -> None:
    """Train a word for each class, or one for all, and write each into target/words as diffusers loads it.

    An interrupted run with the same images and parameters goes on.  Raises UserError when a class has no images,
    or when a word is in the vocabulary already.
    """
    settings = params.textual_inversion
    found = text_only.members(records, settings)
    labels = list(found) if settings.classes is None else settings.classes
    learned = text_only.chosen(found, labels, "textual_inversion.classes", settings)
    device, precision = devices.pick(params.device, params.precision)
    pipeline = base.load(params.base, None).to(device)
    content = [[cache.file_hash(file) for file in files] for files in learned.values()]
    checkpoints = setup.checkpoint_folder(params, {"textual_inversion", "resolution"}, [params.base], __name__, content)
    (pipeline.unet,) = setup.prepare_models([], [pipeline.unet], params.train, device, precision)
    pipeline.text_encoder.requires_grad_(False)
    loss = text_only.denoising_loss(pipeline, params, {"subject": 1.0})
    drawn, last = {}, 0
    with setup.tracked(checkpoints, live, params) as tracker:
        for number, (name, classes) in enumerate(_words(learned, settings).items()):
            word = add_word(pipeline, name, settings)
            examples = []
            for label, files in classes.items():
                prompt = text_only.named(settings.naming, word, label)
                examples += text_only.encoded(pipeline, files, prompt, params, "subject")
            model = InvertedUNet(pipeline.unet, pipeline.text_encoder)
            last = setup.train_in_turn(model, loss, examples, params, checkpoints, tracker, number, last, word)
            row = model.row.detach().cpu()[0]
            pipeline.text_encoder.get_input_embeddings().weight.data[-1] = row
            (target / model_folder.NEW_WORDS).mkdir(parents=True, exist_ok=True)
            save_file({word: row.clone()}, target / model_folder.NEW_WORDS / f"{number:03}.safetensors")
            drawn[name] = _drawn(pipeline, prompt, name, params)
        tracker.image(last, "words", mosaic(drawn))


def draw_task(examples: list[dict], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From the word of each example's class."""
    settings = params.textual_inversion
    return text_only.draw_task(examples, _prompts(examples, settings, word_of), trained, params)


def untouched(examples: list[dict], params: Params) -> GenerationTask:
    """From the name of its class in the word's place."""
    settings = params.textual_inversion
    return text_only.draw_task(examples, _prompts(examples, settings, label_in_words), None, params)


def _words(learned: Mapping[str, list[Path]], settings: TextualInversion) -> dict[str, dict[str, list[Path]]]:
    """{name of a new word: {class: its images}}."""
    if settings.per == "all":
        return {ALL: dict(learned)}
    return {label: {label: files} for label, files in learned.items()}


def _prompts(examples: Iterable[Mapping], settings: TextualInversion, word) -> list[str]:
    labels = [ALL if settings.per == "all" and word is word_of else one.get("label") or "" for one in examples]
    named = zip(labels, examples, strict=True)
    return [text_only.named(settings.naming, word(label), one.get("label") or "") for label, one in named]


def word_of(label: str) -> str:
    """The new word for a class: <car-sedan> for car_(sedan)."""
    return f"<{'-'.join(re.findall(r'[a-z0-9]+', label.lower()))}>"


def add_word(pipeline: StableDiffusionPipeline, label: str, settings: TextualInversion) -> str:
    """Add a class's new word to tokenizer and text encoder; it starts as the mean of its initial word's embeddings.

    Raises UserError when the vocabulary has it, or when the initial word tokenises to nothing.
    """
    word = word_of(label)
    if not pipeline.tokenizer.add_tokens(word):
        raise UserError(f"textual_inversion: '{word}' is in the vocabulary of the base already; rename the class.")
    initial = settings.initial or label_in_words(label)
    pieces = pipeline.tokenizer(initial, add_special_tokens=False).input_ids
    if not pieces:
        raise UserError(f"textual_inversion.initial is {initial!r}, of which the tokenizer leaves nothing.")
    pipeline.text_encoder.resize_token_embeddings(len(pipeline.tokenizer), mean_resizing=False)
    table = pipeline.text_encoder.get_input_embeddings().weight
    table.data[-1] = table.data[pieces].mean(dim=0)
    return word


def _drawn(pipeline: StableDiffusionPipeline, prompt: str, label: str, params: Params) -> list:
    seeds = [image_cache.seed_of(params.seed, label, number) for number in range(SHOWN)]
    settings = SamplingSettings.from_params(params.generate, params.resolution)
    return list(sampling.generate(pipeline, [prompt] * SHOWN, seeds, settings, description=f"draw {label}"))
