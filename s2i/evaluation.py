"""Drawn pictures against the photos their sketches were made of: a table, figures with intervals, and pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from s2i import cache, images, tensors, weights
from s2i.metrics import frechet, perceptual
from s2i.metrics.intervals import bootstrap
from s2i.metrics.structure import edge_f1, window_count_error
from s2i.mosaics import mosaic
from s2i.params import Evaluate

MODELS = ("base", "finetuned")
CODE = cache.code(
    __name__,
    *(f"s2i.{name}" for name in ("edges", "tensors", "metrics.perceptual", "metrics.frechet", "metrics.structure")),
)
IDENTITY = ("id", "variant", "sketch_style", "prompt", "generation_seed", "model")


def evaluate(records: list[dict], folder: Path, params: Evaluate) -> dict:
    """The figures of metrics/evaluate.json; ``per_image.csv``, ``mosaic.png`` and ``figures.png`` go into ``folder``.

    {"base": {metric: {"mean", "low", "high"} or a number}, "finetuned": the same, "photos": what a metric that looks
    at one picture alone says of the photos, "images": pictures a model}.  Intervals resample photos, not pictures.
    """
    photos = [images.read(record["photo"]) for record in records]
    distances, has_fid = perceptual.available(), bool(weights.hub_path(weights.FID_INCEPTION))
    table, figures = pd.DataFrame(), {}
    for model in MODELS:
        key = [*CODE, *distances, has_fid, params.batch_size, [_content(record, model) for record in records]]
        found = cache.remember(lambda model=model: _compared(records, photos, distances, params, model), "scores", *key)
        identity = pd.DataFrame([{name: (one | {"model": model})[name] for name in IDENTITY} for one in records])
        scores = pd.concat([identity, pd.DataFrame(found["pictures"])], axis=1)
        table = pd.concat([table, scores], ignore_index=True)
        figures[model] = _with_intervals(scores, params.level) | found["sets"]
    key = [*CODE, [_content(record, "photo") for record in records]]
    errors = cache.remember(lambda: _window_errors(records, photos), "windows of photos", *key)
    errors = pd.DataFrame({"id": [record["id"] for record in records], **errors})
    figures["photos"] = _with_intervals(errors, params.level)
    figures["images"] = len(records)
    table.to_csv(folder / "per_image.csv", index=False)
    images.write_png(folder / "mosaic.png", _mosaic(records, photos, params.mosaic_rows))
    plot(figures, folder / "figures.png")
    return figures


def _content(record: dict, model: str) -> list:
    """What the scores of a model's picture depend on."""
    return [cache.file_hash(record[model]), cache.file_hash(record["photo"]), record["id"], record.get("windows")]


def _compared(
    records: list[dict], photos: list[np.ndarray], distances: dict[str, Callable], params: Evaluate, model: str
) -> dict[str, dict]:
    """Every metric of a model: ``pictures`` that compare each with its photo, ``sets`` that compare all with all."""
    drawn = [images.read(record[model]) for record in records]
    targets = {record["id"]: photo for record, photo in zip(records, photos, strict=True)}  # each photo once
    scores = {}
    for name, distance in distances.items():
        with torch.no_grad():
            pairs = zip(_batches(drawn, params), _batches(photos, params), strict=True)
            batches = [distance(a, b) for a, b in tqdm(pairs, desc=f"{name} ({model})")]
        scores[name] = torch.cat(batches).tolist()
    scores["edge_f1"] = [edge_f1(picture, photo) for picture, photo in zip(drawn, photos, strict=True)]
    sets = frechet.distances(_batches(drawn, params), _batches(list(targets.values()), params))
    return {"pictures": scores | _window_errors(records, drawn), "sets": sets}


def _window_errors(records: list[dict], pictures: list[np.ndarray]) -> dict[str, list[float]]:
    """A column with |windows counted - windows there are| for each picture; none where no truth is known."""
    truth = [record.get("windows") for record in records]
    pairs = zip(pictures, truth, strict=True)
    errors = [np.nan if known is None else window_count_error(picture, known) for picture, known in pairs]
    return {} if np.isnan(errors).all() else {"window_count_error": errors}


def _with_intervals(scores: pd.DataFrame, level: float) -> dict[str, dict[str, float]]:
    known = {name: scores[[name, "id"]].dropna() for name in scores.columns.difference(IDENTITY)}
    return {name: bootstrap(rows[name], list(rows["id"]), level=level) for name, rows in known.items()}


def _batches(pictures: list[np.ndarray], params: Evaluate) -> list[torch.Tensor]:
    """(B, 3, H, W) in [-1, 1]."""
    return list(tensors.unit(tensors.stack(pictures)).split(params.batch_size))


def _mosaic(records: list[dict], photos: list[np.ndarray], rows: int) -> np.ndarray:
    """Examples spread over the test set: sketch, drawn by the base, by the fine-tuned model, target."""
    chosen = np.unique(np.linspace(0, len(records) - 1, rows).round().astype(int))
    return mosaic(
        {
            "sketch": [images.read_grey(records[index]["sketch"]) for index in chosen],
            "base": [images.read(records[index]["base"]) for index in chosen],
            "fine-tuned": [images.read(records[index]["finetuned"]) for index in chosen],
            "target": [photos[index] for index in chosen],
        }
    )


def plot(figures: dict, file: Path) -> None:
    """Every metric that has an interval, base beside fine-tuned."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    names = [name for name, value in figures["base"].items() if isinstance(value, dict) and "low" in value]
    figure, axes = pyplot.subplots(1, len(names), figsize=(2.4 * len(names), 3), layout="constrained", squeeze=False)
    for axis, name in zip(axes[0], names, strict=True):
        for place, model in enumerate(MODELS):
            value = figures[model][name]
            spread = [[value["mean"] - value["low"]], [value["high"] - value["mean"]]]
            axis.errorbar(place, value["mean"], spread, fmt="o", capsize=6, color=f"C{place}")
        axis.set(title=name, xlim=(-0.6, 1.6), xticks=(0, 1), xticklabels=("base", "fine-tuned"))
        axis.title.set_fontsize(9)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)
