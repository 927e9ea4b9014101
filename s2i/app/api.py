"""``/draw`` for other programs: an uploaded sketch and the settings in, a PNG file out."""

from pathlib import Path
from typing import Any

import gradio as gr

from s2i.app import notices
from s2i.app.components import Settings
from s2i.app.messages import DrawRequest, Result
from s2i.app.worker import Worker
from s2i.core.errors import UserError


def add_to_page(worker: Worker, prompt: gr.Textbox, settings: Settings, **queue: Any) -> None:
    """Add the endpoint to the page that is being laid out; the names in its signature are those of the API.

    queue: as Gradio's events take it, such as concurrency_id.
    """

    def draw(
        sketch: str, prompt: str, steps: float, guidance: float, control: float, scheduler: str, seed: float
    ) -> str:
        """Draw one image of a sketch.

        sketch: an image file.  prompt: what it shows.  steps, guidance, control, scheduler ("" is the model's own),
        seed: as on the page.  Returns a PNG file, whose text chunk ``parameters`` says what it was made with, and under
        ``warning`` which words of the prompt were dropped.
        """
        request = DrawRequest(prompt, steps, guidance, control, scheduler or None, seed, images=1)
        try:
            if not sketch:
                raise UserError("there is no sketch: send an image file.")
            for message in worker.generate(request, worker.sketch(Path(sketch))):
                if isinstance(message, str):
                    notices.warn(message)
                elif isinstance(message, Result):
                    (image,) = message.images
        except Exception as error:
            raise notices.error(error) from None
        return image

    sketch_file, image_file = gr.File(visible=False, label="sketch"), gr.File(visible=False, label="image")
    fields = [settings.steps, settings.guidance, settings.control, settings.scheduler, settings.seed]
    gr.Button(visible=False).click(draw, [sketch_file, prompt, *fields], image_file, api_name="draw", **queue)
