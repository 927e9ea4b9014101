"""Pieces of HTML that the page shows."""

import base64
from html import escape
from io import BytesIO

import numpy as np
from PIL import Image

from s2i.app.messages import Progress

EMPTY_FRAME = '<div id="frame"><p>Draw a building, say what it is, and press Draw.</p></div>'


def data_url(image: np.ndarray) -> str:
    """An image (H, W) or (H, W, 3) uint8 as text that an <img> shows: nothing is left on disk."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def status(sentence: str, bar: str = "") -> str:
    """A line below the image that says how the drawing goes; bar: HTML in front of the sentence."""
    return f'<div class="status" role="status">{bar}<span>{escape(sentence)}</span></div>'


def progress(progress: Progress) -> str:
    """A progress bar with the time left."""
    if progress.seconds_left is None:
        sentence = "Starting: the first image waits until the model is loaded."
    else:
        sentence = f"Step {progress.step} of {progress.steps}, about {max(1, round(progress.seconds_left))} s left"
    bar = f'<progress value="{progress.step}" max="{progress.steps}" aria-label="drawing"></progress>'
    return status(sentence, bar)


def preview(image: np.ndarray, progress: Progress) -> str:
    """A preview (H, W, 3) uint8 in the frame of the image to come."""
    alt = f"preview at step {progress.step} of {progress.steps}"
    return f'<div id="frame"><img alt="{alt}" src="{data_url(image)}"></div>'
