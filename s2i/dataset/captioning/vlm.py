"""A vision language model of transformers on this machine: any that AutoModelForImageTextToText loads."""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image

from s2i.core import devices
from s2i.core.errors import UserError, first_line

PROMPTS = {"llava": "USER: <image>\n{question} ASSISTANT:", "blip-2": "Question: {question} Answer:"}
"""What models of these types are told where their processor brings no chat template."""

FLORENCE_TASKS = ("<CAPTION>", "<DETAILED_CAPTION>", "<MORE_DETAILED_CAPTION>")
"""The task prompts of Florence-2 that ask for captions: https://arxiv.org/abs/2311.06242, table 13."""


class VisionLanguageModel:
    """A model of transformers that answers questions about images, and its processor.

    It is asked by its own chat template; Florence-2 by its task prompts; BLIP-2, and LLaVA without a template, by
    `PROMPTS`.  Raises UserError for a model of another type that brings no chat template.
    """

    def __init__(self, model: Any, processor: Any):
        self.model, self.processor, self.kind = model, processor, model.config.model_type
        self.has_template = bool(getattr(processor, "chat_template", None))
        if not self.has_template and self.kind not in (*PROMPTS, "florence2"):
            raise UserError(
                f"caption.vlm.model is of type {self.kind} and brings no chat template, so s2i cannot ask it; name a "
                f"model with one, or one of type {', '.join(sorted(PROMPTS))} or florence2."
            )
        processor.tokenizer.padding_side = "left"  # answers follow the question, also in a batch
        if processor.tokenizer.pad_token is None:
            processor.tokenizer.pad_token = processor.tokenizer.eos_token

    @torch.no_grad()
    def answer(self, images: Sequence[np.ndarray], question: str, max_new_tokens: int) -> list[str]:
        """One answer an image (H, W, 3) or (H, W) uint8, as the model gives it, outer spaces removed.

        Raises UserError for a question to Florence-2 that is not one of `FLORENCE_TASKS`.
        """
        inputs = self._inputs([Image.fromarray(image).convert("RGB") for image in images], question)
        inputs = inputs.to(self.model.device, self.model.dtype)
        tokens = self.model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
        text_model = self.model.config.get_text_config()
        encodes = text_model.is_encoder_decoder or self.model.config.is_encoder_decoder
        prompt_tokens = 0 if encodes else inputs["input_ids"].shape[1]
        answers = self.processor.batch_decode(tokens[:, prompt_tokens:], skip_special_tokens=True)
        return [answer.strip() for answer in answers]

    def _inputs(self, images: list[Image.Image], question: str) -> Any:
        """What the model reads of a question about each of the images."""
        if self.has_template:
            conversations = [
                [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": question}]}]
                for image in images
            ]
            return self.processor.apply_chat_template(
                conversations,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                processor_kwargs={"padding": True},
            )
        if self.kind == "florence2" and question not in FLORENCE_TASKS:
            raise UserError(
                f"caption.vlm.question is {question!r}, but caption.vlm.model is a Florence-2, which does tasks and "
                f"answers no questions: set it to {' or '.join(FLORENCE_TASKS)}."
            )
        text = PROMPTS[self.kind].format(question=question) if self.kind in PROMPTS else question
        return self.processor(images=images, text=[text] * len(images), padding=True, return_tensors="pt")


@functools.cache  # one a process
def load(name: str, device: torch.device, precision: str) -> VisionLanguageModel:
    """The model that caption.vlm names; in 8 bits on a GPU where bitsandbytes is installed.

    Raises UserError when the model cannot be had or is of a kind that is not asked.
    """
    from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

    options: dict[str, Any] = {"dtype": devices.DTYPES[precision], "use_safetensors": True} | quantised(device)
    try:
        AutoConfig.from_pretrained(name)  # where there is no network, one file is waited for and not ten
        processor = AutoProcessor.from_pretrained(name)
        model: Any = AutoModelForImageTextToText.from_pretrained(name, **options)
    except (OSError, ValueError, ImportError) as error:  # the last one: a processor that wants another package
        reason = first_line(error)
        raise UserError(
            f"caption.vlm.model '{name}' is no folder here and the model hub did not give it ({reason}); "
            "set it to a model this machine can load, or take vlm out of caption.by."
        ) from None
    if "quantization_config" not in options:
        model.to(device)
    return VisionLanguageModel(model.eval(), processor)


def quantised(device: torch.device) -> dict[str, Any]:
    """Options of from_pretrained that hold a model in 8 bits; none where that is not possible."""
    if device.type != "cuda":
        return {}
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        return {}
    from transformers import BitsAndBytesConfig

    return {"quantization_config": BitsAndBytesConfig(load_in_8bit=True), "device_map": {"": device}}
