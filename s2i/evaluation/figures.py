"""What an evaluation has to be looked at for: examples, the best and the worst, and every metric with its interval."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from s2i.imaging import io, plots
from s2i.imaging.mosaics import evenly_spaced, mosaic
from s2i.metrics.registry import IMAGE_METRICS, improvement

STRIP = 10
RANKED_BY = "st_lpips"
COLUMNS = {"sketch": "sketch", "base": "base", "fine-tuned": "finetuned", "target": "photo"}
SHOWN = {"target": "target", "finetuned": "fine-tuned", "base": "base", "shuffled": "shuffled"}


def show(records: Sequence[dict], table: pd.DataFrame, figures: Mapping[str, Mapping], folder: Path, rows: int) -> None:
    """Write mosaic.png, best.jpg, worst.jpg and figures.png into folder.

    table: scores of the fine-tuned images, a row a record.  figures: {set: {metric: {"mean", "low", "high"}}}.
    """
    io.write_png(folder / "mosaic.png", examples([records[place] for place in evenly_spaced(len(records), rows)]))
    ranked = np.argsort(improvement(RANKED_BY) * table[RANKED_BY].to_numpy(), kind="stable")
    for name, places in {"worst": ranked[:STRIP], "best": ranked[::-1][:STRIP]}.items():
        io.write_jpg(folder / f"{name}.jpg", examples([records[place] for place in places]))
    plot(figures, folder / "figures.png")


def examples(records: Sequence[dict]) -> np.ndarray:
    """A row a record: sketch, drawn by the base, by the fine-tuned model, target."""
    return mosaic(
        {
            title: [(io.read_grey if name == "sketch" else io.read)(record[name]) for record in records]
            for title, name in COLUMNS.items()
        }
    )


def plot(figures: Mapping[str, Mapping], file: Path) -> None:
    """Every metric of single images, the models between the photos themselves and other photos."""
    names = [name for name in IMAGE_METRICS if name in figures["finetuned"]]
    across = min(len(names), 6)
    down = -(-len(names) // across)
    figure, axes = plots.pyplot().subplots(
        down, across, figsize=(2.4 * across, 2.6 * down), layout="constrained", squeeze=False
    )
    for axis in axes.flat[len(names) :]:
        axis.set_visible(False)
    for axis, name in zip(axes.flat, names, strict=False):
        for place, model in enumerate(SHOWN):
            if value := figures[model].get(name):
                low, high = value.get("low", value["mean"]), value.get("high", value["mean"])
                error = [[value["mean"] - low], [high - value["mean"]]]
                color = f"C{place - 1}" if model in ("finetuned", "base") else "0.6"
                axis.errorbar(place, value["mean"], error, fmt="o", capsize=4, color=color)
        axis.set(xlim=(-0.6, len(SHOWN) - 0.4), xticks=range(len(SHOWN)), xticklabels=SHOWN.values())
        axis.set_title(f"{name}, {IMAGE_METRICS[name].better} is better", fontsize=8)
        axis.tick_params(axis="x", labelrotation=30, labelsize=8)
        axis.tick_params(axis="y", labelsize=8)
    plots.save(figure, file)
