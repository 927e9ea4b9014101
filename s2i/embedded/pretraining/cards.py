"""The cards of what is embedded: data/photos/README.md and data/base/README.md."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from s2i.embedded.pretraining.params import BaseParams

COVERED = ("style", "structure", "material", "color", "view", "roof", "curved", "glass")


def write_photos_card(folder: Path) -> None:
    """Write the data card of a rendered photo folder from its photos.csv."""
    table = pd.read_csv(folder / "photos.csv")
    counts = "\n".join(f"| {column} | {_counts(table[column])} |" for column in COVERED)
    sizes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
    width, height = Image.open(folder / table["file"][0]).size
    (folder / "README.md").write_text(
        f"""# Rendered buildings

{len(table)} images of {width} x {height} px, {sizes:.1f} MB with their truth, licence CC0-1.0 (public domain).
They were path-traced with Mitsuba 3 from a seeded scene grammar (`s2i/embedded/rendering`); no photograph, brand or
person is in them.  `dvc repro pipelines/base/dvc.yaml:photos` renders them again.

| file | what |
|---|---|
| `photos.csv` | a row an image: its files, its words, what can be counted in it, its seed |
| `photos/*.jpg` | the image |
| `sketches/*.png` | a line drawing made from the geometry: depth, normal and part edges, wobbled strokes, hatching |
| `truth/*-labels.png` | 0 sky, 1 ground, 2 wall, 3 window, 4 balcony, 5 door, 6 roof, 7 clutter |
| `truth/*-matte.png` | the building's share of a pixel, 255 for wholly |
| `truth/*-depth.png` | distance, 255 for 80 m and beyond |
| `truth/*-normals.png` | surface direction towards the camera, -1..1 as 0..255 |

`windows` and `balconies` count those that are visible in the image.

| column | images |
|---|---|
{counts}

What they are not: photographs.  Textures, light and clutter are simpler than the world's; a model that does well here
has shown that the method works, not that it knows real streets.
""",
        encoding="utf-8",
    )


def write_model_card(
    model: Path, folder: Path, settings: BaseParams, figures: dict, drawn: list, prompted: list
) -> None:
    """Write the card of the base in ``model``, README.md and the images it shows, into ``folder``.

    drawn: rows of the Canny mosaic, each (H, 3 W, 3).  prompted: images drawn from text alone, (H, W, 3).
    """
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    half = len(drawn) // 2
    _save(images / "canny.jpg", np.hstack([np.vstack(drawn[:half]), np.vstack(drawn[half : 2 * half])]))
    rows = [np.hstack(prompted[start : start + 10]) for start in range(0, min(len(prompted), 40) - 9, 10)]  # whole rows
    _save(images / "prompted.jpg", np.vstack(rows))
    size = sum(file.stat().st_size for file in model.rglob("*") if file.is_file()) / 1e6
    steps = {name: getattr(settings, name).steps for name in ("autoencoder", "text_to_image", "canny")}
    listed = {name: value for name, value in figures.items() if isinstance(value, float)}
    listed |= {f"attribute_accuracy of {name}": value for name, value in figures["attribute_accuracy"].items()}
    figure_rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in listed.items())
    (folder / "README.md").write_text(
        f"""# The embedded base

Stable Diffusion's shape at {settings.resolution} px, {size:.1f} MB in bf16, in diffusers format: CLIP tokenizer and
text encoder, AutoencoderKL with {settings.autoencoder.latent_channels} whitened latent channels, UNet2DConditionModel
that predicts velocity, DPM-Solver++ scheduler, and under `controlnet` a ControlNet trained on Canny edge maps.  Beside
them, `attributes.safetensors` holds linear probes that read attributes off photos, and `windows.safetensors`
the counter of windows that the edge loss uses.  It exists so that everything
s2i does can be run, tested and understood on a laptop; it knows rendered buildings and nothing else.

It was trained by `pipelines/base/dvc.yaml` on {settings.render.count} renders of `s2i/embedded/rendering`, from
scratch, no third-party weights in it: autoencoder {steps["autoencoder"]} steps and its decoder
{settings.autoencoder.decoder_steps} more, text to image {steps["text_to_image"]} steps, ControlNet,
UNet and text encoder together {steps["canny"]} steps.
Only the tokenizer's merges are CLIP's, the first
{settings.text.merges} of them.
Licence: CC0-1.0.

On {figures["images"]["text_color_renders"]} renders it has not seen (`metrics/base.json`):

| figure | value |
|---|---|
{figure_rows}

`text_color_accuracy` is read off images drawn from text by a linear probe on colour histograms, fitted on the
training renders; `text_color_accuracy_renders` is what the probe scores on the held-out renders themselves.
`canny_edge_f1` compares the contours of drawn images with those of the renders whose Canny maps they were drawn
from, at 2 pixels; `canny_edge_f1_shuffled` compares them with other renders.

Canny map, drawn, render it is the map of:

![drawn from Canny maps](images/canny.jpg)

Drawn from text alone, a column a colour ({", ".join(figures["colors"])}):

![drawn from text](images/prompted.jpg)
""",
        encoding="utf-8",
    )


def _save(path: Path, image: np.ndarray) -> None:
    Image.fromarray(image).save(path, quality=90)


def _counts(column: pd.Series) -> str:
    return ", ".join(f"{value} {count}" for value, count in column.value_counts().sort_index().items())
