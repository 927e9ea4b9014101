"""How well a student draws in few steps, and how fast, beside its teacher in many and in as few."""

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from s2i.core.params import Params
from s2i.diffusion import image_cache
from s2i.diffusion.image_cache import GenerationTask
from s2i.generation import find_model
from s2i.generation.find_model import TrainedModel
from s2i.generation.model import SketchToImage
from s2i.imaging import io, plots, shapes, tensors
from s2i.imaging.mosaics import evenly_spaced, mosaic
from s2i.metrics.intervals import mean_interval
from s2i.metrics.registry import improvement
from s2i.metrics.structure import edge_f1
from s2i.networks.st_lpips import ShiftTolerantLPIPS
from s2i.training.distillation.student import STEP_COUNTS

# How many steps each model draws in; all else is compared with the first, the teacher's most.
STEPS = {"teacher": (50, 20, 8, *reversed(STEP_COUNTS)), "student": (8, *reversed(STEP_COUNTS))}
METRICS = ("st_lpips", "edge_f1")
TIMED_ROUNDS = 5
BATCH = 32


def compare(
    examples: Sequence[dict], teacher: Path, student: Path, folder: Path, params: Params
) -> dict[str, dict[str, float] | int]:
    """The figures of metrics/distill.json; table.csv goes into ``folder``, quality.png and mosaic.png into its plots.

    examples: what `generate` wrote.  {"teacher_50": {metric: mean, "seconds": of one image}, ...}; all but the first
    also have ``METRIC_change``, the relative difference to it, where positive is better.  table.csv has the intervals,
    which resample photos.
    """
    photos = [io.read(example["photo"]) for example in examples]
    images, seconds = _generate(examples, teacher, student, params)
    distance = ShiftTolerantLPIPS.load()
    scores = {key: _scores(of_model, photos, distance) for key, of_model in images.items()}
    reference = next(iter(scores))
    ids, level = [example["id"] for example in examples], params.evaluate.level
    rows = []
    for model, steps in scores:
        row = {"model": model, "steps": steps, "seconds": seconds[model, steps]}
        rows.append(row | _summary(scores[model, steps], scores[reference], ids, level))
    table = pd.DataFrame(rows)
    table.to_csv(folder / "table.csv", index=False, float_format="%.5g")
    plots_folder = folder / "plots/images"
    plots_folder.mkdir(parents=True, exist_ok=True)
    plot(table, plots_folder / "quality.png")
    columns = {"sketch": [io.read_grey(example["sketch"]) for example in examples]}
    columns |= {f"{model} {steps}": of_model for (model, steps), of_model in images.items()} | {"target": photos}
    chosen = evenly_spaced(len(examples), params.evaluate.mosaic_rows)
    mosaic_columns = {name: [column[index] for index in chosen] for name, column in columns.items()}
    io.write_png(plots_folder / "mosaic.png", mosaic(mosaic_columns))
    figures = {
        f"{row['model']}_{row['steps']}": _figures(row, (row["model"], row["steps"]) == reference) for row in rows
    }
    return figures | {"images": len(examples)}


def _generate(
    examples: Sequence[dict], teacher: Path, student: Path, params: Params
) -> tuple[dict[tuple[str, int], list[np.ndarray]], dict[tuple[str, int], float]]:
    """By model and number of steps the images of the examples, and how many seconds one of them takes."""
    images, seconds = {}, {}
    models = {"teacher": find_model.find(teacher, params), "student": find_model.find(student, params)}
    for name, trained in models.items():
        model = SketchToImage(trained)
        for steps in STEPS[name]:
            seconds[name, steps] = _seconds(model, examples[0], steps)
        for steps in STEPS[name]:
            task, settings = _task(examples, model), _with_steps(trained, steps).params
            files = image_cache.cached_images(task, settings, f"{name}, {steps} steps")
            images[name, steps] = [io.read(file) for file in files]
    return images, seconds


def _summary(
    scores: Mapping[str, np.ndarray], reference: Mapping[str, np.ndarray], ids: Sequence[str], level: float
) -> dict[str, float]:
    """Means of the scores and of their relative differences to the reference's, with intervals, as columns."""
    columns: dict[str, float] = {}
    for metric in METRICS:
        columns |= _columns(metric, mean_interval(scores[metric], ids, level=level))
        if reference[metric].mean():
            better = improvement(metric) * (scores[metric] - reference[metric]) / reference[metric].mean()
            columns |= _columns(f"{metric}_change", mean_interval(better, ids, level=level))
    return columns


def plot(table: pd.DataFrame, file: Path) -> None:
    """Each metric against the seconds of an image, a curve a model, a point a number of steps, with intervals."""
    figure, axes = plots.pyplot().subplots(1, len(METRICS), figsize=(5 * len(METRICS), 4), layout="constrained")
    for axis, metric in zip(axes, METRICS, strict=True):
        for model, rows in table.groupby("model", sort=False):
            low, high = (rows.get(f"{metric}_{end}", rows[metric]) for end in ("low", "high"))  # of one photo none
            error = [rows[metric] - low, high - rows[metric]]
            axis.errorbar(rows["seconds"], rows[metric], error, marker="o", capsize=3, label=model)
            for _, row in rows.iterrows():
                where = {"xytext": (5, 5), "textcoords": "offset points", "fontsize": 8}
                axis.annotate(str(row["steps"]), (row["seconds"], row[metric]), **where)
        better = "higher" if improvement(metric) > 0 else "lower"
        axis.set(xscale="log", xlabel="seconds an image; numbers are steps", ylabel=f"{metric}, {better} is better")
        axis.legend(frameon=False)
    plots.save(figure, file)


def _task(examples: Sequence[dict], model: SketchToImage) -> GenerationTask:
    trained = model.trained
    parts = [trained.base, *trained.controlnets, *([trained.unet_lora] if trained.unet_lora else [])]
    return GenerationTask(examples, parts, lambda _: model.pipeline, trained.params.conditions)


def _with_steps(trained: TrainedModel, steps: int) -> TrainedModel:
    generate = trained.params.generate.model_copy(update={"steps": steps})
    return trained._replace(params=trained.params.model_copy(update={"generate": generate}))


def _seconds(model: SketchToImage, example: dict, steps: int) -> float:
    """How long an image takes in so many steps, the model loaded and warm: the median of some."""
    sketch = io.read_grey(example["sketch"])
    settings, seconds = _with_steps(model.trained, steps).params.generate, []
    for _ in range(TIMED_ROUNDS + 1):
        began = time.perf_counter()
        *_, last = model.denoise([sketch], example["prompt"], [0], settings)
        model.images(last, [sketch], example["prompt"], [0], settings)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])


def _scores(
    images: Sequence[np.ndarray], photos: Sequence[np.ndarray], distance: ShiftTolerantLPIPS
) -> dict[str, np.ndarray]:
    """Each metric of each image beside its photo."""
    distances = np.empty(len(photos))
    for indices in shapes.equally_large([photo.shape for photo in photos], BATCH):
        pair = (tensors.to_unit_range(tensors.stack([both[index] for index in indices])) for both in (images, photos))
        distances[indices] = distance(*pair).numpy()
    agreements = [edge_f1(image, photo) for image, photo in zip(images, photos, strict=True)]
    return {"st_lpips": distances, "edge_f1": np.array(agreements)}


def _columns(name: str, figures: dict[str, float]) -> dict[str, float]:
    return {name if key == "mean" else f"{name}_{key}": value for key, value in figures.items()}


def _figures(row: dict, is_reference: bool) -> dict[str, float]:
    """What stands in metrics/distill.json of a row; the reference has no differences to itself."""
    changes = () if is_reference else tuple(f"{name}_change" for name in METRICS)
    return {name: float(f"{row[name]:.4g}") for name in ("seconds", *METRICS, *changes) if name in row}
