"""The cards of what is embedded: data/photos/README.md and data/base/README.md."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from string import Template

import numpy as np
import pandas as pd
from PIL import Image

from s2i.core import run_card
from s2i.embedded.pretraining import curve, stopwatch
from s2i.embedded.pretraining.params import BaseParams
from s2i.embedded.pretraining.score import Scored
from s2i.vocabulary.buildings import LABELS

COVERED = ("style", "structure", "material", "color", "view", "roof", "curved", "glass")


def write_photos_card(folder: Path) -> None:
    """Write the data card of a rendered photo folder from its photos.csv."""
    table = pd.read_csv(folder / "photos.csv")
    with Image.open(folder / table["file"][0]) as image:
        width, height = image.size
    _fill(
        "photos_card.md",
        folder / "README.md",
        count=len(table),
        width=width,
        height=height,
        megabytes=f"{_megabytes(folder):.1f}",
        labels=", ".join(f"{number} {name}" for name, number in LABELS.items()),
        counts="\n".join(f"| {column} | {_counts(table[column])} |" for column in COVERED),
    )


def write_model_card(model: Path, trained: Mapping[str, Path], settings: BaseParams, scored: Scored) -> None:
    """Write the card of the base in ``model``, README.md and the images it shows, into its folder.

    trained: folders of its parts, by the names they have in the parameters, in which their hours stand.
    """
    images, figures = model / "images", scored.figures
    images.mkdir(parents=True, exist_ok=True)
    _save(images / "canny.jpg", [_as_color(row) for row in scored.controlled])
    _save(images / "seeds.jpg", scored.seeds)
    _save(images / "prompted.jpg", _rows(scored.prompted, len(figures["colors"])))
    curve.plot(curve.read(trained["denoiser"] / curve.CURVE), images / "curve.png")
    listed = {name: value for name, value in figures.items() if isinstance(value, float)}
    listed |= {f"attribute_accuracy of {name}": value for name, value in figures["attribute_accuracy"].items()}
    _fill(
        "model_card.md",
        model / "README.md",
        resolution=settings.resolution,
        megabytes=f"{_megabytes(model):.1f}",
        latent_channels=settings.autoencoder.latent_channels,
        revision=run_card.revision() or "unknown",
        renders=settings.render.count,
        merges=settings.text.merges,
        styles=", ".join(settings.controls.styles),
        trainings="\n".join(_trainings(trained, settings)),
        held_out=figures["images"]["renders"],
        validation=settings.render.validation,
        figures="\n".join(f"| {name} | {value:.3f} |" for name, value in listed.items()),
        colors=", ".join(figures["colors"]),
    )


def _trainings(trained: Mapping[str, Path], settings: BaseParams) -> Iterable[str]:
    """A table's row a trained part: steps, examples a step, hours and processor."""
    for name in ("autoencoder", "denoiser", "tiny_decoder"):
        folder, part = trained[name], getattr(settings, name)
        hours = [f"{spent:.1f} on {name}" for name, spent in stopwatch.read(folder / stopwatch.HOURS).items()]
        more = f", {part.crisp.steps} more with {part.crisp.batch_size}" if name == "autoencoder" else ""
        more = f", {part.halved_share:.0%} of them at half size" if name == "denoiser" else more
        yield f"| {name.replace('_', ' ')} | {part.steps}{more} | {part.batch_size} | {', '.join(hours)} |"


def _fill(template: str, target: Path, **values: object) -> None:
    text = Path(__file__).with_name(template).read_text(encoding="utf-8")
    target.write_text(Template(text).substitute(values), encoding="utf-8")


def _save(path: Path, rows: Sequence[Sequence[np.ndarray]]) -> None:
    Image.fromarray(np.vstack([np.hstack(row) for row in rows])).save(path, quality=90)


def _rows(images: Sequence[np.ndarray], columns: int) -> list[Sequence[np.ndarray]]:
    """Whole rows alone."""
    return [images[start : start + columns] for start in range(0, len(images) - columns + 1, columns)]


def _as_color(images: Sequence[np.ndarray]) -> list[np.ndarray]:
    return [np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image for image in images]


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def _counts(column: pd.Series) -> str:
    return ", ".join(f"{value} {count}" for value, count in column.value_counts().sort_index().items())
