"""Captions that a vision language model answers: BLIP-2, LLaVA-1.5 and others that transformers loads alike."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from PIL import Image
from tqdm import tqdm

from s2i.core import cache, devices
from s2i.core.errors import UserError, first_line
from s2i.core.parallel import chunked
from s2i.core.params import Vlm
from s2i.imaging import io

MAX_CHARACTERS = 500  # a longer answer is that of a model that does not stop
PROMPTS = {"llava": "USER: <image>\n{question} ASSISTANT:", "blip-2": "Question: {question} Answer:"}

_model_hash = functools.cache(cache.model_hash)  # reads gigabytes: once a process


class VisionLanguageModel:
    """A model of transformers that answers questions about images, and its processor.

    Raises UserError for a model of a type that s2i knows no prompt for.
    """

    def __init__(self, model: Any, processor: Any):
        kind = model.config.model_type
        if kind not in PROMPTS:
            raise UserError(f"caption.vlm.model is of type {kind}; s2i asks {' and '.join(sorted(PROMPTS))} models.")
        self.model, self.processor, self.prompt = model, processor, PROMPTS[kind]
        processor.tokenizer.padding_side = "left"  # answers follow the question, also in a batch
        if processor.tokenizer.pad_token is None:
            processor.tokenizer.pad_token = processor.tokenizer.eos_token

    @torch.no_grad()
    def answer(self, images: Sequence[np.ndarray], question: str, max_new_tokens: int) -> list[str]:
        """One answer an image (H, W, 3) or (H, W) uint8, as the model gives it, outer spaces removed."""
        batch = [Image.fromarray(image).convert("RGB") for image in images]
        texts = [self.prompt.format(question=question)] * len(batch)
        inputs = self.processor(images=batch, text=texts, padding=True, return_tensors="pt")
        inputs = inputs.to(self.model.device, self.model.dtype)
        tokens = self.model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
        text_model = self.model.config.get_text_config()
        prompt_tokens = 0 if text_model.is_encoder_decoder else inputs["input_ids"].shape[1]
        answers = self.processor.batch_decode(tokens[:, prompt_tokens:], skip_special_tokens=True)
        return [answer.strip() for answer in answers]


def cached_answers(
    images: Sequence[str | Path], question: str, settings: Vlm, device: torch.device, precision: str
) -> list[str]:
    """What the model that caption.vlm names answers to a question about each image; from the cache where it did before.

    Raises UserError as `load` does.
    """
    request = question, settings.max_new_tokens
    model = _model_hash(settings.model), precision, bool(_quantised(device))
    keys = [(cache.code(__name__), *model, *request, cache.file_hash(Path(image))) for image in images]
    answers = [cache.recall("vlm", *key) for key in keys]
    missing = [index for index, answer in enumerate(answers) if answer is None]
    for indices in tqdm(list(chunked(missing, settings.batch_size)), desc="asking", unit="batch", leave=False):
        batch = [io.read(Path(images[index])) for index in indices]
        new_answers = load(settings.model, device, precision).answer(batch, *request)
        for index, answer in zip(indices, new_answers, strict=True):
            answers[index] = cache.store(answer, "vlm", *keys[index])
    return answers


@functools.cache  # one a process
def load(name: str, device: torch.device, precision: str) -> VisionLanguageModel:
    """The model that caption.vlm names; in 8 bits on a GPU where bitsandbytes is installed.

    Raises UserError when the model cannot be had or is of a kind that is not asked.
    """
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    options: dict[str, Any] = {"dtype": devices.DTYPES[precision], "use_safetensors": True} | _quantised(device)
    try:
        AutoConfig.from_pretrained(name)  # where there is no network, one file is waited for and not ten
        processor = AutoProcessor.from_pretrained(name)
        model: Any = AutoModelForImageTextToText.from_pretrained(name, **options)
    except (OSError, ValueError) as error:
        reason = first_line(error)
        raise UserError(
            f"caption.vlm.model '{name}' is no folder here and the model hub did not give it ({reason}); "
            "set it to a model this machine can load, or take vlm out of caption.by."
        ) from None
    if "quantization_config" not in options:
        model.to(device)
    return VisionLanguageModel(model.eval(), processor)


def numbered_question(number: int) -> str:
    """A question of questions.yaml, counted from 1; raises UserError when it has fewer."""
    questions = _questions()
    if number > len(questions):
        file = "s2i/dataset/captioning/questions.yaml"
        raise UserError(f"caption.vlm.question is {number}, but {file} has {len(questions)}.")
    return questions[number - 1]


def refusal_of(answer: str) -> str | None:
    """Why an answer is no caption, or None if it is one."""
    if not any(letter.isalnum() for letter in answer):
        return "empty answer"
    return f"answer of {len(answer)} characters" if len(answer) > MAX_CHARACTERS else None


def _quantised(device: torch.device) -> dict[str, Any]:
    """Options of from_pretrained that hold a model in 8 bits; none where that is not possible."""
    if device.type != "cuda":
        return {}
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        return {}
    from transformers import BitsAndBytesConfig

    return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True), "device_map": {"": device}}


@functools.cache
def _questions() -> list[str]:
    return yaml.safe_load(Path(__file__).with_name("questions.yaml").read_text(encoding="utf-8"))
