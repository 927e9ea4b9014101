"""What happens on the page: functions that Gradio calls, which give an update for each component that changes."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.components import Component

from s2i.app import html, notices
from s2i.app.components import Inputs, Outputs, Session
from s2i.app.messages import DrawRequest, Progress, Result
from s2i.app.suggestions import Suggestions
from s2i.app.worker import Worker
from s2i.imaging import io, shapes
from s2i.vocabulary import prompts

CANVAS_SIDE = 512  # pixels
Updates = dict[Component, Any]


def draw(
    worker: Worker, inputs: Inputs, outputs: Outputs, session: Session
) -> Callable[[dict[Component, Any]], Iterator[Updates]]:
    """The handler of the Draw button: it reads values by component, and yields updates while the image is made."""
    busy = {inputs.draw: gr.update(interactive=False), inputs.cancel: gr.update(interactive=True)}
    idle = {inputs.draw: gr.update(interactive=True), inputs.cancel: gr.update(interactive=False)}

    def on_draw(values: dict[Component, Any]) -> Iterator[Updates]:
        settings = inputs.settings
        seed = random_seed() if values[settings.new_seed] else values[settings.seed]
        request = DrawRequest(
            prompt=values[inputs.prompt],
            steps=values[settings.steps],
            negative_prompt=values[settings.negative_prompt],
            guidance_scale=values[settings.guidance],
            control_guidance_scale=values[settings.control_guidance],
            conditioning_scale=values[settings.control],
            scheduler=values[settings.scheduler] or None,
            seed=seed,
            images=values[settings.images],
        )
        try:
            for message in worker.generate(request, worker.strokes(values[inputs.strokes])):
                if isinstance(message, str):
                    notices.warn(message)
                elif isinstance(message, Progress):
                    yield _on_the_way(message, outputs) | {settings.seed: seed} | busy
                else:
                    images = [*values[session.images], *message.images]
                    yield _finished(message, images, outputs, session) | {settings.seed: seed} | idle
        except Exception as error:
            yield {outputs.status: "", settings.seed: seed} | idle
            raise notices.error(error) from None

    return on_draw


def random_seed() -> int:
    """One that is easily noted down."""
    return random.randrange(10**6)


def _on_the_way(progress: Progress, outputs: Outputs) -> Updates:
    updates: Updates = {outputs.status: html.progress(progress)}
    if progress.preview is not None:  # it takes the place of the last image
        updates[outputs.frame] = gr.update(value=html.preview(progress.preview, progress), visible=True)
        updates[outputs.comparison] = gr.update(visible=False)
    return updates


def _finished(result: Result, images: list[str], outputs: Outputs, session: Session) -> Updates:
    """Updates that show a result; images: all files of the session, the oldest first."""
    first = result.images[0]
    return {
        outputs.frame: gr.update(visible=False),
        outputs.comparison: gr.update(value=(result.model_inputs["cleaned sketch"], first), visible=True),
        outputs.status: html.status(f"Drawn in {result.seconds:.1f} s"),
        outputs.download: gr.update(value=first, visible=True),
        outputs.model_inputs: [(image, name) for name, image in result.model_inputs.items()],
        session.gallery: gr.update(value=images[::-1], visible=True),
        session.images: images,
    }


def upload(worker: Worker) -> Callable[[str], str]:
    """The handler of an upload: the sketch, straightened, as a value of the canvas."""

    def on_upload(file: str) -> str:
        try:
            return _canvas_value(worker.sketch(Path(file), CANVAS_SIDE))
        except Exception as error:
            raise notices.error(error) from None

    return on_upload


def example(suggestions: Suggestions, canvas: gr.HTML, prompt: gr.Textbox) -> Callable[[gr.SelectData], Updates]:
    """The handler of the examples: the chosen one is laid on the paper, with its prompt."""

    def on_select(event: gr.SelectData) -> Updates:
        file, text = suggestions.examples[event.index]
        return {canvas: _canvas_value(io.read(Path(file))), prompt: text}

    return on_select


def _canvas_value(image: np.ndarray) -> str:
    """A value that differs from the last one, even for the same image: only then is it laid on the paper again."""
    return f"{html.data_url(shapes.on_square(image))}#{time.monotonic_ns()}"


def prompt_of_parts(structure: str, color: str, material: str) -> str:
    """The prompt that says what was chosen of a building; "" where nothing was."""
    parts = {"structure": structure, "color": color, "material": material}
    return prompts.plain(parts) if any(parts.values()) else ""
