"""The page: a canvas on the left, the image on the right, the images of the session below."""

import json
from typing import Any

import gradio as gr

from s2i.app import api, components, handlers, html
from s2i.app.components import KEEP_SECONDS, Inputs, Outputs, Session
from s2i.app.suggestions import Suggestions
from s2i.app.uploads import UploadsOnlyBlocks
from s2i.app.worker import Worker

WAITING, ENDED = "Waiting for its turn.", "Not drawn."  # Gradio may count what is cancelled as failed
MODEL_QUEUE: dict[str, Any] = {
    "concurrency_id": "model",
    "concurrency_limit": 1,
}  # the page and the API wait in one line
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def build(worker: Worker, suggestions: Suggestions) -> gr.Blocks:
    """The page of a model; also its API, named ``/draw``."""
    lifetime = KEEP_SECONDS // 6, KEEP_SECONDS  # seconds between two looks for old files, and until they are old
    with UploadsOnlyBlocks(title="s2i: photos from sketches", analytics_enabled=False, delete_cache=lifetime) as blocks:
        gr.HTML("<h1>Photos from sketches</h1><p>Draw a building. See it built.</p>", elem_id="title")
        with gr.Row(elem_id="columns"):
            with gr.Column(min_width=300):
                inputs = components.inputs(suggestions, worker.params.generate)
            with gr.Column(min_width=300):
                outputs = components.outputs()
        examples = components.examples(suggestions)
        session = components.session()

        _connect_drawing(worker, inputs, outputs, session)
        parts = list(inputs.parts.values())
        for part in parts:
            part.change(handlers.prompt_of_parts, parts, inputs.prompt, queue=False, **QUIET)
        inputs.upload.upload(
            handlers.upload(worker), inputs.upload, inputs.canvas, api_visibility="private", show_progress="minimal"
        )
        if examples:
            chosen = handlers.example(suggestions, inputs.canvas, inputs.prompt)
            examples.select(chosen, None, [inputs.canvas, inputs.prompt], queue=False, **QUIET)
        api.add_to_page(worker, inputs.prompt, inputs.settings, **MODEL_QUEUE)
    return blocks


def _connect_drawing(worker: Worker, inputs: Inputs, outputs: Outputs, session: Session) -> None:
    """Connect the Draw and the Cancel button, and the Enter key in the prompt."""
    settings = inputs.settings
    values = {inputs.strokes, inputs.prompt, *vars(settings).values(), session.images}
    changed = [*vars(outputs).values(), *vars(session).values(), settings.seed, inputs.draw, inputs.cancel]
    at_once: dict[str, Any] = {"outputs": [outputs.status, inputs.draw, inputs.cancel], "show_progress": "hidden"}

    inputs.draw.click(None, js=_instant_updates(WAITING, drawing=True), **at_once)
    event = inputs.draw.click(
        handlers.draw(worker, inputs, outputs, session),
        values,
        changed,
        js="(strokes, ...others) => [window.s2iSketch(), ...others]",  # Gradio sorts a set: oldest components first
        **QUIET,
        **MODEL_QUEUE,
    )
    event.failure(None, js=_instant_updates(ENDED, drawing=False), **at_once)
    inputs.prompt.submit(None, js="() => document.querySelector('#draw').click()")
    inputs.cancel.click(None, js=_instant_updates(ENDED, drawing=False), cancels=[event], **at_once)


def _instant_updates(status: str, drawing: bool) -> str:
    """JavaScript that updates the status and the two buttons at once, as the server may be busy."""
    draw, cancel = ({"__type__": "update", "interactive": interactive} for interactive in (not drawing, drawing))
    return f"() => {json.dumps([html.status(status), draw, cancel])}"
