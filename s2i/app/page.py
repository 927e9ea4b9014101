"""The page: a canvas on the left, the image on the right, what was drawn before below."""

import json
import shutil
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.exceptions import InvalidPathError
from gradio_client import utils

from s2i.app.html import data_url, status
from s2i.app.suggestions import PARTS, Suggestions
from s2i.app.worker import MOST_IMAGES, DrawRequest, Progress, Result, Worker, random_seed
from s2i.core.errors import UserError
from s2i.core.params import Generate
from s2i.imaging import io
from s2i.vocabulary import prompts

HERE = Path(__file__).parent
STYLE = HERE / "style.css"
KEPT = 3600  # seconds that images and uploads can be fetched; equal uploads are one file, which others may need
EMPTY = '<div id="frame"><p>Draw a building, say what it is, and press Draw.</p></div>'
LABELS = {"structure": "What", "color": "Colour", "material": "Material"}
SCHEDULERS = [("the model's own", ""), *((name, name) for name in ("ddim", "dpm-solver++", "unipc", "euler", "lcm"))]
CANVAS = 512  # pixels a side
WAITING, ENDED = "Waiting for its turn.", "Not drawn."  # Gradio may count what is cancelled as failed


def page(drawer: Worker, offers: Suggestions) -> gr.Blocks:
    """The page of a drawer; also its API, named ``/draw``."""
    defaults = drawer.params.generate
    with _Page(title="s2i: photos from sketches", analytics_enabled=False, delete_cache=(KEPT // 6, KEPT)) as blocks:
        gr.HTML("<h1>Photos from sketches</h1><p>Draw a building. See it built.</p>", elem_id="title")
        with gr.Row(elem_id="columns"):
            with gr.Column(min_width=300):
                canvas, strokes = _canvas(), gr.Textbox(visible=False)
                upload = gr.UploadButton(
                    "Upload a sketch, or a photo of one", file_types=["image"], size="sm", elem_id="upload"
                )
                parts = _parts(offers)
                prompt = gr.Textbox(label="Prompt", placeholder="house of red made of brick", elem_id="prompt")
                with gr.Row():
                    draw = gr.Button("Draw", variant="primary", elem_id="draw", scale=3)
                    cancel = gr.Button("Cancel", interactive=False, elem_id="cancel", scale=1)
                advanced = _advanced(defaults)
            with gr.Column(min_width=300):
                frame = gr.HTML(EMPTY, elem_id="result", padding=False)
                compare = gr.ImageSlider(
                    visible=False, format="png", label="Sketch and image", show_label=False, elem_id="compare"
                )
                told = gr.HTML(elem_id="told", padding=False)
                download = gr.DownloadButton("Download", visible=False, elem_id="download")
                with gr.Accordion("What the model sees", open=False, elem_id="sees"):
                    seen = gr.Gallery(
                        columns=3, height="auto", show_label=False, object_fit="contain", format="png", elem_id="seen"
                    )
        examples = _examples(offers)
        drawn = gr.State([], time_to_live=KEPT, delete_callback=_remove)
        gallery = gr.Gallery(
            label="This session",
            columns=6,
            height="auto",
            type="filepath",
            visible=False,
            buttons=["download", "fullscreen"],
            elem_id="gallery",
        )

        outputs = [frame, compare, told, download, seen, gallery, drawn, advanced["seed"], draw, cancel]
        asked = [strokes, prompt, *(one for name, one in advanced.items() if name != "another")]
        buttons = [told, draw, cancel]
        draw.click(None, None, buttons, js=_pieces(WAITING, drawing=True), show_progress="hidden")  # before it waits
        event = draw.click(
            _answer(drawer),
            [*asked, advanced["another"], drawn],
            outputs,
            api_visibility="private",
            js="(strokes, ...others) => [window.s2iSketch(), ...others]",
            show_progress="hidden",
            concurrency_id="model",
            concurrency_limit=1,
        )
        event.failure(None, None, buttons, js=_pieces(ENDED, drawing=False), show_progress="hidden")
        quietly = {"api_visibility": "private", "queue": False, "show_progress": "hidden"}
        prompt.submit(None, js="() => document.querySelector('#draw').click()")
        cancel.click(None, None, buttons, js=_pieces(ENDED, drawing=False), cancels=[event], show_progress="hidden")
        for part in parts.values():
            part.change(
                _worded, list(parts.values()), prompt, api_visibility="private", queue=False, show_progress="hidden"
            )
        upload.upload(_laid(drawer), upload, canvas, api_visibility="private", show_progress="minimal")
        if examples:
            examples.select(_chosen(offers), None, [canvas, prompt], **quietly)
        _api(drawer, prompt, advanced)
    return blocks


class _Page(gr.Blocks):
    """Gradio would fetch any address that stands for a file, for any input, and into memory."""

    async def preprocess_data(self, block_fn, inputs, *others, **named):
        """Refuse addresses and the paths of files that were not uploaded."""
        utils.traverse(inputs, _uploaded, utils.is_file_obj_with_meta)
        try:
            return await super().preprocess_data(block_fn, inputs, *others, **named)
        except InvalidPathError:
            raise _shown(UserError("the sketch was not uploaded: send an image file.")) from None


def _uploaded(file: dict) -> None:
    if utils.is_http_url_like(file["path"]):
        raise _shown(UserError("an address is no sketch: send an image file."))


def _canvas() -> gr.HTML:
    """Paper to draw on; its value is an image that is laid on it, as a data URL."""
    template, script = (HERE / f"canvas.{kind}" for kind in ("html", "js"))
    return gr.HTML(
        html_template=template.read_text(), js_on_load=script.read_text(), apply_default_css=False, elem_id="canvas"
    )


def _parts(offers: Suggestions) -> dict[str, gr.Dropdown]:
    """What can be said of a building, with suggestions that take free words too."""
    with gr.Row():
        return {
            part: gr.Dropdown(
                ["", *offers.words[part]],
                value="",
                label=LABELS[part],
                allow_custom_value=True,
                min_width=90,
                elem_id=f"part-{part}",
            )
            for part in PARTS
        }


def _advanced(defaults: Generate) -> dict[str, gr.components.Component]:
    """The settings, in the order of the fields of `Wish`."""
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        with gr.Row():
            steps = gr.Slider(
                1, max(100, defaults.steps), defaults.steps, step=1, label="Steps", info="fewer are faster"
            )
            guidance = gr.Slider(
                1,
                max(15, defaults.guidance_scale),
                defaults.guidance_scale,
                step=0.5,
                label="Guidance",
                info="weight of the words; 1 is fastest",
            )
        with gr.Row():
            control = gr.Slider(
                0,
                max(2, defaults.conditioning_scale),
                defaults.conditioning_scale,
                step=0.05,
                label="Control",
                info="weight of the sketch",
            )
            scheduler = gr.Dropdown(SCHEDULERS, value=defaults.scheduler or "", label="Scheduler", info="how it steps")
        with gr.Row():
            seed = gr.Number(0, label="Seed", precision=0, minimum=0, info="the same gives the same image")
            images = gr.Slider(1, MOST_IMAGES, 1, step=1, label="Images", info="drawn at once")
        another = gr.Checkbox(True, label="Another seed every time")
    found = {"steps": steps, "guidance": guidance, "control": control, "scheduler": scheduler}
    return found | {"seed": seed, "images": images, "another": another}


def _examples(offers: Suggestions) -> gr.Gallery | None:
    if not offers.examples:
        return None
    return gr.Gallery(
        [(file, prompt) for file, prompt in offers.examples],
        label="Sketches to try, which the model has not seen",
        columns=len(offers.examples),
        height="auto",
        allow_preview=False,
        object_fit="contain",
        interactive=False,
        buttons=[],
        elem_id="examples",
    )


def _chosen(offers: Suggestions):
    """An example, laid on the paper, and its prompt."""

    def chosen(event: gr.SelectData) -> tuple[str, str]:
        file, prompt = offers.examples[event.index]
        return _on_paper(io.read(Path(file))), prompt

    return chosen


def _laid(drawer: Worker):
    """An upload, read and straightened, laid on the paper."""

    def laid(file: str) -> str:
        try:
            return _on_paper(drawer.sketch(Path(file), CANVAS))
        except Exception as error:
            raise _shown(error) from None

    return laid


def _on_paper(image: np.ndarray) -> str:
    """A value of the canvas that differs from the last, even for the same image: only then is it laid down again."""
    return f"{data_url(image)}#{time.monotonic_ns()}"


def _shown(error: Exception) -> gr.Error:
    """What a visitor is told; what is no UserError is for the terminal alone."""
    sentence = str(error)
    if not isinstance(error, UserError):
        traceback.print_exception(error)
        sentence = "something went wrong in the server, whose terminal says more; try again."
    return gr.Error(sentence[0].upper() + sentence[1:], title="Not drawn", print_exception=False)


def _warn(sentence: str) -> None:
    gr.Warning(sentence[0].upper() + sentence[1:], title="Too long")


def _worded(structure: str, color: str, material: str) -> str:
    said = {"structure": structure, "color": color, "material": material}
    return prompts.plain(said) if any(said.values()) else ""


def _answer(drawer: Worker):
    """The handler of the button: pieces of the page, as the drawing goes on."""

    def answer(strokes, prompt, steps, guidance, control, scheduler, seed, images, another, drawn) -> Iterator:
        seed = random_seed() if another else seed
        busy = gr.update(interactive=False), gr.update(interactive=True)
        idle = gr.update(interactive=True), gr.update(interactive=False)
        keep = gr.update()
        wish = DrawRequest(prompt, steps, guidance, control, scheduler or None, seed, images)
        try:
            for news in drawer.draw(wish, drawer.strokes(strokes)):
                if isinstance(news, str):
                    _warn(news)
                elif isinstance(news, Progress):
                    frame = keep if news.preview is None else gr.update(value=_framed(news), visible=True)
                    hidden = gr.update(visible=False) if news.preview is not None else keep
                    yield frame, hidden, status(news), keep, keep, keep, keep, seed, *busy
                else:
                    drawn = [*drawn, *news.images]
                    yield *_finished(news, drawn), seed, *idle
        except Exception as error:
            yield keep, keep, "", keep, keep, keep, keep, seed, *idle
            raise _shown(error) from None

    return answer


def _framed(progress: Progress) -> str:
    alt = f"preview at step {progress.number} of {progress.steps}"
    return f'<div id="frame"><img alt="{alt}" src="{data_url(progress.preview)}"></div>'


def _finished(result: Result, drawn: list[str]) -> tuple:
    told = f'<div class="status" role="status"><span>Drawn in {result.seconds:.1f} s</span></div>'
    first = result.images[0]
    return (
        gr.update(visible=False),
        gr.update(value=(result.seen["cleaned sketch"], first), visible=True),
        told,
        gr.update(value=first, visible=True),
        [(image, name) for name, image in result.seen.items()],
        gr.update(value=drawn[::-1], visible=True),
        drawn,
    )


def _pieces(told: str, drawing: bool) -> str:
    """What is told and which of the buttons can be pressed, set by the browser at once: the server may be busy."""
    said = f'<div class="status" role="status"><span>{told}</span></div>'
    states = [{"__type__": "update", "interactive": one} for one in (not drawing, drawing)]
    return f"() => {json.dumps([said, *states])}"


def _remove(drawn: list[str]) -> None:
    """The images of a session that is over."""
    for file in drawn:
        shutil.rmtree(Path(file).parent, ignore_errors=True)


def _api(drawer: Worker, prompt: gr.Textbox, advanced: dict) -> None:
    """``/draw`` for programs: an uploaded sketch and the settings in, a PNG file out."""

    def draw(sketch, prompt, steps, guidance, control, scheduler, seed):
        """Draw one image of a sketch.

        sketch: an image file.  prompt: what it shows.  steps, guidance, control, scheduler ("" is the model's own),
        seed: as on the page.  Returns a PNG file, whose text chunk ``parameters`` says what it was made with, and under
        ``warning`` which words of the prompt were dropped.
        """
        wish = DrawRequest(prompt, steps, guidance, control, scheduler or None, seed, 1)
        try:
            if not sketch:
                raise UserError("there is no sketch: send an image file.")
            for news in drawer.draw(wish, drawer.sketch(Path(sketch))):
                if isinstance(news, str):
                    _warn(news)
        except Exception as error:
            raise _shown(error) from None
        return news.images[0]

    sketch, image = gr.File(visible=False, label="sketch"), gr.File(visible=False, label="image")
    settings = [advanced[name] for name in ("steps", "guidance", "control", "scheduler", "seed")]
    gr.Button(visible=False).click(
        draw, [sketch, prompt, *settings], image, api_name="draw", concurrency_id="model", concurrency_limit=1
    )
