"""Answers of a vision language model, on this machine or on a server, each of them kept once it was given."""

import functools
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from s2i.core import cache
from s2i.core.parallel import chunked
from s2i.core.params import Vlm
from s2i.dataset.captioning import server
from s2i.imaging import io

_model_hash = functools.cache(cache.model_hash)  # reads gigabytes: once a process


class Answering(Protocol):
    """What answers questions about images."""

    def answer(self, images: Sequence[np.ndarray], question: str, max_new_tokens: int) -> Iterable[str]:
        """One answer an image (H, W, 3) uint8, in their order, as they come."""


def cached_answers(
    images: Sequence[str | Path], question: str, settings: Vlm, device: str, precision: str
) -> list[str]:
    """What the model that caption.vlm names answers to a question about each image; from the cache where it did before.

    device, precision: as in params.yaml; of a model on this machine.
    Raises UserError where the model cannot be loaded, or its server cannot be asked; answers until then are kept.
    """
    answering, model = _on_server(settings) if settings.server else _on_this_machine(settings, device, precision)
    request = question, settings.max_new_tokens
    keys = [(*model, *request, cache.file_hash(Path(image))) for image in images]
    answers = [cache.recall("vlm", *key) for key in keys]
    missing = [index for index, answer in enumerate(answers) if answer is None]
    for indices in tqdm(list(chunked(missing, settings.batch_size)), desc="asking", unit="batch", leave=False):
        batch = [io.read(Path(images[index])) for index in indices]
        for index, answer in zip(indices, answering().answer(batch, *request), strict=True):
            answers[index] = cache.store(answer, "vlm", *keys[index])
    return answers


def _on_server(settings: Vlm) -> tuple[Callable[[], Answering], tuple]:
    """How to get at a server's model, and what its answers depend on."""
    return functools.partial(server.Server, settings), (cache.code(server.__name__), settings.server, settings.model)


def _on_this_machine(settings: Vlm, device: str, precision: str) -> tuple[Callable[[], Answering], tuple]:
    """How to load the model here, and what its answers depend on."""
    from s2i.core import devices  # with torch, which takes seconds
    from s2i.dataset.captioning import vlm

    torch_device, number_format = devices.pick(device, precision)
    load = functools.partial(vlm.load, settings.model, torch_device, number_format)
    in_8_bits = bool(vlm.quantised(torch_device))
    return load, (cache.code(vlm.__name__), _model_hash(settings.model), number_format, in_8_bits)
