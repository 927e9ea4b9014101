"""What the page and the API ask of the worker, and what it answers while an image is made."""

from typing import NamedTuple

import numpy as np


class DrawRequest(NamedTuple):
    """What is asked for besides the sketch; numbers are as visitors send them, and checked by the worker."""

    prompt: str
    steps: float
    negative_prompt: str
    guidance_scale: float
    control_guidance_scale: float
    conditioning_scale: float
    scheduler: str | None  # None is the model's own
    seed: float
    images: float


class Progress(NamedTuple):
    """How far the images are.  ``preview``: (H, W, 3) uint8; None before the first step, and between two previews."""

    step: int
    steps: int
    seconds_left: float | None
    preview: np.ndarray | None


class Result(NamedTuple):
    """The images, and what led to them."""

    images: list[str]  # PNG files, one a seed, which carry their parameters
    model_inputs: dict[str, np.ndarray]  # by name: "cleaned sketch" (H, W) first, then what is made of it
    parameters: dict  # of the first image
    seconds: float
