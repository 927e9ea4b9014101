"""The parts of the page: what visitors fill in, what they get, and what is kept of their session."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import gradio as gr

from s2i.app.html import EMPTY_FRAME
from s2i.app.suggestions import Suggestions
from s2i.app.worker import MAX_IMAGES
from s2i.core.params import Generate, Scheduler
from s2i.vocabulary.attributes import MAIN_PARTS

HERE = Path(__file__).parent
PART_LABELS = {"structure": "What", "color": "Colour", "material": "Material"}
KEEP_SECONDS = 3600  # that images and uploads can be fetched; equal uploads are one file, which others may need


@dataclass(frozen=True)
class Settings:
    """The fields under "Advanced"."""

    negative_prompt: gr.Textbox
    steps: gr.Slider
    guidance: gr.Slider
    control_guidance: gr.Slider
    control: gr.Slider
    scheduler: gr.Dropdown
    seed: gr.Number
    images: gr.Slider
    new_seed: gr.Checkbox


@dataclass(frozen=True)
class Inputs:
    """The left column."""

    canvas: gr.HTML  # setting its value, an image as a data URL, lays the image on the paper
    strokes: gr.Textbox  # invisible: what window.s2iSketch() gave, a PNG as a data URL, "" for blank paper
    upload: gr.UploadButton
    parts: dict[str, gr.Dropdown]
    prompt: gr.Textbox
    draw: gr.Button
    cancel: gr.Button
    settings: Settings


@dataclass(frozen=True)
class Outputs:
    """The right column."""

    frame: gr.HTML  # before there is an image: an invitation, and previews
    comparison: gr.ImageSlider
    status: gr.HTML
    download: gr.DownloadButton
    model_inputs: gr.Gallery


@dataclass(frozen=True)
class Session:
    """The images that a visitor got since the page was opened."""

    images: gr.State  # a list of files, the oldest first
    gallery: gr.Gallery


def inputs(suggestions: Suggestions, defaults: Generate) -> Inputs:
    """Lay out what visitors fill in; the strokes come first, as the script of the Draw button expects them."""
    canvas, strokes = _canvas(), gr.Textbox(visible=False)
    upload = gr.UploadButton("Upload a sketch, or a photo of one", file_types=["image"], size="sm", elem_id="upload")
    parts = _parts(suggestions)
    prompt = gr.Textbox(label="Prompt", placeholder="house of red made of brick", elem_id="prompt")
    with gr.Row():
        draw = gr.Button("Draw", variant="primary", elem_id="draw", scale=3)
        cancel = gr.Button("Cancel", interactive=False, elem_id="cancel", scale=1)
    return Inputs(canvas, strokes, upload, parts, prompt, draw, cancel, _settings(defaults))


def _canvas() -> gr.HTML:
    template, script = (HERE / f"canvas.{kind}" for kind in ("html", "js"))
    return gr.HTML(
        html_template=template.read_text(encoding="utf-8"),
        js_on_load=script.read_text(encoding="utf-8"),
        apply_default_css=False,
        elem_id="canvas",
    )


def _parts(suggestions: Suggestions) -> dict[str, gr.Dropdown]:
    """What can be said of a building, with suggestions that take free words too."""
    with gr.Row():
        return {
            part: gr.Dropdown(
                ["", *suggestions.words[part]],
                value="",
                label=PART_LABELS[part],
                allow_custom_value=True,
                min_width=90,
                elem_id=f"part-{part}",
            )
            for part in MAIN_PARTS
        }


def _settings(defaults: Generate) -> Settings:
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        negative_prompt = gr.Textbox(
            defaults.negative_prompt,
            label="Negative prompt",
            info="what to lead the image away from",
            elem_id="negative-prompt",
        )
        with gr.Row():
            guidance = _slider(1, 15, defaults.guidance_scale, 0.5, "Guidance", "how far to the words")
            sketch_info = "how far to the sketch; both at 1 are fastest"
            control_guidance = _slider(1, 15, defaults.control_guidance_scale, 0.5, "Sketch guidance", sketch_info)
        with gr.Row():
            control = _slider(0, 2, defaults.conditioning_scale, 0.05, "Control", "weight of the sketch")
            steps = _slider(1, 100, defaults.steps, 1, "Steps", "fewer are faster")
        with gr.Row():
            choices = [("the model's own", ""), *((name, name) for name in get_args(Scheduler))]
            scheduler = gr.Dropdown(choices, value=defaults.scheduler or "", label="Scheduler", info="how it steps")
        with gr.Row():
            seed = gr.Number(0, label="Seed", precision=0, minimum=0, info="the same gives the same image")
            images = _slider(1, MAX_IMAGES, 1, 1, "Images", "drawn at once")
        new_seed = gr.Checkbox(True, label="Another seed every time")
    return Settings(negative_prompt, steps, guidance, control_guidance, control, scheduler, seed, images, new_seed)


def _slider(lowest: int, usual_most: int, default: float, step: float, label: str, info: str) -> gr.Slider:
    """A slider that reaches a default beyond the usual range too."""
    return gr.Slider(lowest, max(usual_most, default), default, step=step, label=label, info=info)


def outputs() -> Outputs:
    """Lay out what visitors get."""
    frame = gr.HTML(EMPTY_FRAME, elem_id="result", padding=False)
    comparison = gr.ImageSlider(
        visible=False, format="png", label="Sketch and image", show_label=False, elem_id="compare"
    )
    status = gr.HTML(elem_id="status", padding=False)
    download = gr.DownloadButton("Download", visible=False, elem_id="download")
    with gr.Accordion("What the model sees", open=False, elem_id="model-inputs"):
        model_inputs = gr.Gallery(columns=3, height="auto", show_label=False, object_fit="contain", format="png")
    return Outputs(frame, comparison, status, download, model_inputs)


def examples(suggestions: Suggestions) -> gr.Gallery | None:
    """Lay out the sketches to try; None where there are none."""
    if not suggestions.examples:
        return None
    return gr.Gallery(
        [(file, prompt) for file, prompt in suggestions.examples],
        label="Sketches to try, which the model has not seen",
        columns=len(suggestions.examples),
        height="auto",
        allow_preview=False,
        object_fit="contain",
        interactive=False,
        buttons=[],
        elem_id="examples",
    )


def session() -> Session:
    """Lay out the images of the session, whose files go when it is over."""
    images = gr.State([], time_to_live=KEEP_SECONDS, delete_callback=_remove_folders)
    gallery = gr.Gallery(
        label="This session",
        columns=6,
        height="auto",
        type="filepath",
        visible=False,
        buttons=["download", "fullscreen"],
        elem_id="gallery",
    )
    return Session(images, gallery)


def _remove_folders(images: list[str]) -> None:
    for file in images:
        shutil.rmtree(Path(file).parent, ignore_errors=True)
