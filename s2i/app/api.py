"""``/draw`` for other programs: an uploaded sketch and the settings in, a PNG file out."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.blocks import Block

from s2i.app import notices
from s2i.app.components import Settings
from s2i.app.messages import DrawRequest, Result
from s2i.app.worker import Worker
from s2i.core.errors import UserError


def add_to_page(worker: Worker, prompt: gr.Textbox, settings: Settings, **queue: Any) -> None:
    """Add the endpoint to the page that is being laid out.

    queue: as Gradio's events take it, such as concurrency_id.
    """

    def draw(sketch: str, prompt: str, **values: Any) -> str:
        """Draw one image of a sketch.

        sketch: an image file.  prompt: what it shows.  steps, guidance, control, scheduler ("" is the model's own),
        seed, negative_prompt, control_guidance: as on the page.  Returns a PNG file, whose text chunk ``parameters``
        says what it was made with, and under ``warning`` which words of the prompt were dropped.
        """
        request = DrawRequest(
            prompt,
            values["steps"],
            values["negative_prompt"],
            values["guidance"],
            values["control_guidance"],
            values["control"],
            values["scheduler"] or None,
            values["seed"],
            images=1,
        )
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
    fields: dict[str, Block] = {
        "steps": settings.steps,
        "guidance": settings.guidance,
        "control": settings.control,
        "scheduler": settings.scheduler,
        "seed": settings.seed,
        "negative_prompt": settings.negative_prompt,
        "control_guidance": settings.control_guidance,
    }
    gr.Button(visible=False).click(
        draw, [sketch_file, prompt], image_file, inputs_kwargs=fields, api_name="draw", **queue
    )
