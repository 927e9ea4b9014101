"""How well a student draws in few steps, and how fast, beside its teacher in many and in as few."""

import statistics
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from s2i.core.params import Params
from s2i.diffusion import image_cache
from s2i.diffusion.image_cache import GenerationTask
from s2i.generation import find_model
from s2i.generation.find_model import TrainedModel
from s2i.generation.model import SketchToImage
from s2i.imaging import io, plots, tensors
from s2i.imaging.mosaics import evenly_spaced, mosaic
from s2i.metrics.intervals import bootstrap
from s2i.metrics.registry import improvement
from s2i.metrics.structure import edge_f1
from s2i.networks.st_lpips import ShiftTolerantLPIPS
from s2i.training.distillation.student import FEW

MANY = 50  # steps of the teacher that all else is compared with
STEPS = {"teacher": (MANY, 20, 8, *reversed(FEW)), "student": (8, *reversed(FEW))}
METRICS = ("st_lpips", "edge_f1")
ROUNDS = 5
BATCH = 32


def compare(examples: Sequence[dict], teacher: Path, student: Path, folder: Path, params: Params) -> dict:
    """The figures of metrics/distill.json; table.csv goes into ``folder``, quality.png and mosaic.png into its plots.

    examples: what `generate` wrote.  {"teacher_50": {metric: mean, "seconds": of one image}, ...}; all but the first
    also have ``METRIC_change``, the relative difference to it, where positive is better.  table.csv has the intervals,
    which resample photos.
    """
    photos = [io.read(example["photo"]) for example in examples]
    ids, level = [example["id"] for example in examples], params.evaluate.level
    distance, rows, drawn, first = ShiftTolerantLPIPS.load(), [], {}, None
    for model, found in {
        "teacher": find_model.find(teacher, params),
        "student": find_model.find(student, params),
    }.items():
        artist = SketchToImage(found)
        seconds = dict(_seconds(artist, examples[0], STEPS[model]))
        for steps in STEPS[model]:
            task = _task(examples, artist)
            files = image_cache.cached_images(task, _with(found, steps).params, f"{model}, {steps} steps")
            images = [io.read(file) for file in files]
            scores = _scores(images, photos, distance)
            first = scores if first is None else first
            row = {"model": model, "steps": steps, "seconds": seconds[steps]}
            for metric in METRICS:
                row |= _columns(metric, bootstrap(scores[metric], ids, level=level))
                if first[metric].mean():
                    better = improvement(metric) * (scores[metric] - first[metric]) / first[metric].mean()
                    row |= _columns(f"{metric}_change", bootstrap(better, ids, level=level))
            rows.append(row)
            drawn[f"{model} {steps}"] = images
    table = pd.DataFrame(rows)
    table.to_csv(folder / "table.csv", index=False, float_format="%.5g")
    shown = folder / "plots/images"
    shown.mkdir(parents=True, exist_ok=True)
    plot(table, shown / "quality.png")
    chosen = evenly_spaced(len(examples), params.evaluate.mosaic_rows)
    columns = {"sketch": [io.read_grey(example["sketch"]) for example in examples]} | drawn | {"target": photos}
    compared = mosaic({name: [each[place] for place in chosen] for name, each in columns.items()})
    io.write_png(shown / "mosaic.png", compared)
    return {f"{row['model']}_{row['steps']}": _figures(row) for row in rows} | {"images": len(examples)}


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


def _task(examples: Sequence[dict], artist: SketchToImage) -> GenerationTask:
    found = artist.trained
    parts = [found.base, *found.controlnets, *([found.unet_lora] if found.unet_lora else [])]
    return GenerationTask(examples, parts, lambda _: artist.pipeline, found.params.conditions)


def _with(found: TrainedModel, steps: int) -> TrainedModel:
    generate = found.params.generate.model_copy(update={"steps": steps})
    return found._replace(params=found.params.model_copy(update={"generate": generate}))


def _seconds(artist: SketchToImage, example: dict, several: Sequence[int]) -> Iterator[tuple[int, float]]:
    """How long an image takes in so many steps, the model loaded and warm: the median of some."""
    sketch = io.read_grey(example["sketch"])
    for steps in several:
        settings, taken = _with(artist.trained, steps).params.generate, []
        for _ in range(ROUNDS + 1):
            began = time.perf_counter()
            *_, last = artist.denoise([sketch], example["prompt"], [0], settings)
            artist.images(last, example["prompt"], [0], settings)
            taken.append(time.perf_counter() - began)
        yield steps, statistics.median(taken[1:])


def _scores(images: Sequence[np.ndarray], photos: Sequence[np.ndarray], distance) -> dict[str, np.ndarray]:
    pairs = [tensors.to_unit_range(tensors.stack(each)).split(BATCH) for each in (images, photos)]
    apart = [distance(*batch) for batch in zip(*pairs, strict=True)]
    kept = [edge_f1(image, photo) for image, photo in zip(images, photos, strict=True)]
    return {"st_lpips": np.concatenate([one.numpy() for one in apart]), "edge_f1": np.array(kept)}


def _columns(name: str, found: dict[str, float]) -> dict[str, float]:
    return {name if key == "mean" else f"{name}_{key}": value for key, value in found.items()}


def _figures(row: dict) -> dict[str, float]:
    changes = () if (row["model"], row["steps"]) == ("teacher", MANY) else tuple(f"{name}_change" for name in METRICS)
    return {name: float(f"{row[name]:.4g}") for name in ("seconds", *METRICS, *changes) if name in row}
