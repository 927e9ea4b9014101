"""How many steps an image needs, and how much guidance.

Held-out sketches are drawn with the trained model at every `num_inference_steps` and `guidance_scale` of a sweep, from
the same seeds, and their contours are scored against those of their photos.  A distance of features would not do: it
is least for the blurred mean that a single step gives.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from s2i.core import records
from s2i.core.files import write_json
from s2i.core.params import Params
from s2i.diffusion import image_cache
from s2i.imaging import io, plots
from s2i.imaging.mosaics import evenly_spaced
from s2i.metrics.intervals import bootstrap
from s2i.metrics.structure import edge_f1
from s2i.training.methods.method import load_method

METRIC, ALL = "edge_f1", "all"


def run_study(sweep: Path, generated: Path, trained: Path, folder: Path, params: Params) -> None:
    """Draw and score what a sweep asks for, and print the recommendation.  Into ``folder`` go

    - steps.csv: mean and interval over photos of every cell of the grid, by category of the photos and for all;
    - steps.json: the recommendation, the smallest number of steps within a tolerance of the best, with its guidance;
    - steps.png: both as curves.

    sweep: a YAML file with `sketches` (how many), `steps`, `guidance_scale` (lists) and `tolerance` (a share).
    generated: what `generate` wrote.  trained: the model.
    """
    settings = yaml.safe_load(sweep.read_text(encoding="utf-8"))
    rows = list(records.Records(generated))
    examples = [rows[index] for index in evenly_spaced(len(rows), settings["sketches"])]
    scores = score_grid(examples, settings, params, trained, folder)
    cells = summary(scores, params.evaluate.level)
    chosen = recommendation(cells, settings["tolerance"])
    cells.round(5).to_csv(folder / "steps.csv", index=False)
    write_json(folder / "steps.json", chosen | {"sketches": len(examples)})
    plot(cells, chosen, folder / "steps.png")
    print(f"{chosen['steps']} steps at guidance_scale {chosen['guidance_scale']:g}")


def score_grid(
    examples: Sequence[dict], settings: dict[str, Any], params: Params, trained: Path, folder: Path
) -> pd.DataFrame:
    """One row an image: steps, guidance_scale, id, category and the metric."""
    method = load_method(params.method)
    photos = [io.read(example["photo"]) for example in examples]
    rows = []
    for guidance_scale in settings["guidance_scale"]:
        for steps in settings["steps"]:
            cell = {"steps": steps, "guidance_scale": guidance_scale}
            changed = params.model_copy(update={"generate": params.generate.model_copy(update=cell)})
            task = method.generation_task(list(examples), trained, folder, changed)
            files = image_cache.cached_images(task, changed, f"{steps} steps, guidance {guidance_scale}")
            for example, photo, file in zip(examples, photos, files, strict=True):
                category = example.get("structure") or example.get("label") or "unknown"
                score = edge_f1(io.read(file), photo)
                rows.append(cell | {"id": example["id"], "category": category, METRIC: score})
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """A row for each category, and for all, in each cell of the grid: images, mean, low, high."""
    rows = []
    for category in [ALL, *sorted(table["category"].unique())]:
        chosen = table if category == ALL else table[table["category"] == category]
        for (guidance_scale, steps), cell in chosen.groupby(["guidance_scale", "steps"]):
            key = {"category": category, "guidance_scale": guidance_scale, "steps": steps, "images": len(cell)}
            rows.append(key | bootstrap(cell[METRIC], list(cell["id"]), level=level))
    return pd.DataFrame(rows)


def recommendation(cells: pd.DataFrame, tolerance: float) -> dict[str, float]:
    """The smallest number of steps whose best guidance is within tolerance of the best cell, and that guidance."""
    cells = cells[cells["category"] == ALL]
    best = cells["mean"].max()
    good_enough = cells[cells["mean"] >= best * (1 - tolerance)]
    chosen = good_enough.sort_values(["steps", "mean"], ascending=[True, False]).iloc[0]
    return {
        "steps": int(chosen["steps"]),
        "guidance_scale": float(chosen["guidance_scale"]),
        METRIC: float(f"{chosen['mean']:.4g}"),
        f"best_{METRIC}": float(f"{best:.4g}"),
    }


def plot(cells: pd.DataFrame, chosen: dict[str, float], file: Path) -> None:
    """Left the grid over all categories, right every category at the recommended guidance, with intervals."""
    figure, axes = plots.pyplot().subplots(1, 2, figsize=(11, 4), sharey=True, layout="constrained")
    curves = [cells[cells["category"] == ALL].groupby("guidance_scale")]
    curves.append(cells[cells["guidance_scale"] == chosen["guidance_scale"]].groupby("category"))
    titles = ("all, by guidance_scale", f"by category, guidance_scale {chosen['guidance_scale']:g}")
    for axis, groups, title in zip(axes, curves, titles, strict=True):
        for name, rows in groups:
            line = axis.plot(rows["steps"], rows["mean"], marker="o", markersize=3, label=name)[0]
            if "low" in rows:
                axis.fill_between(rows["steps"], rows["low"], rows["high"], color=line.get_color(), alpha=0.12)
        axis.axvline(chosen["steps"], color="0.5", linestyle="--", linewidth=1)
        ticks = sorted(cells["steps"].unique())
        axis.set(title=title, xlabel="num_inference_steps", xscale="log", xticks=ticks, xticklabels=ticks)
        axis.minorticks_off()
        axis.legend(fontsize=7, loc="lower left", ncols=2)
    axes[0].set_ylabel(f"{METRIC}, higher is better")
    plots.save(figure, file)
