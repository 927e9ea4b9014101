"""Pieces of HTML that the page shows."""

import base64
from html import escape
from io import BytesIO

import numpy as np
from PIL import Image

from s2i.app.worker import Progress


def data_url(image: np.ndarray) -> str:
    """An image as text that an <img> shows: nothing is left on disk."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def status(progress: Progress) -> str:
    """A progress bar with the time left, as HTML."""
    if not progress.number:
        said = "Starting: the first image waits until the model is loaded."
    else:
        said = f"Step {progress.number} of {progress.steps}, about {max(1, round(progress.seconds_left))} s left"
    bar = f'<progress value="{progress.number}" max="{progress.steps}" aria-label="drawing"></progress>'
    return f'<div class="status" role="status">{bar}<span>{escape(said)}</span></div>'
