"""How many steps an image needs, and how much guidance: python studies/steps/run.py [SWEEP.yaml]

Draws held-out sketches with the trained model at every `num_inference_steps` and `guidance_scale` of sweep.yaml, from
the same seeds, and scores their contours against those of their photos, which a distance of features would not do: it
is least for the blurred mean that a single step gives.  Run `dvc repro` before.  Writes

- metrics/steps.csv: mean and interval over photos of every cell of the grid, by category of the photos and for all;
- metrics/steps.json: the recommendation, the smallest number of steps within 1 % of the best, with its guidance;
- metrics/steps.png: both as curves.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import yaml

from s2i.core import params as parameters
from s2i.core import params_file, records
from s2i.core.errors import UserError
from s2i.core.files import write_json
from s2i.diffusion import image_cache
from s2i.imaging import io, plots
from s2i.imaging.mosaics import evenly_spaced
from s2i.metrics.intervals import bootstrap
from s2i.metrics.structure import edge_f1
from s2i.training import methods

METRIC, ALL = "edge_f1", "all"
TRAINED, METRICS = Path("models/trained"), Path("metrics")


def sweep(examples: Sequence[dict], settings: dict, params: parameters.Params, trained: Path) -> pd.DataFrame:
    """One row an image: steps, guidance_scale, id, category and the metric."""
    method = methods.load(params.method)
    photos = [io.read(example["photo"]) for example in examples]
    rows = []
    for guidance_scale in settings["guidance_scale"]:
        for steps in settings["steps"]:
            changes = {"steps": steps, "guidance_scale": guidance_scale}
            changed = params.model_copy(update={"generate": params.generate.model_copy(update=changes)})
            name = f"{steps} steps, guidance {guidance_scale}"
            task = method.draw_task(list(examples), trained, METRICS, changed)
            drawn = image_cache.cached_images(task, changed, name)
            for example, photo, file in zip(examples, photos, drawn, strict=True):
                category = example.get("structure") or example.get("label") or "unknown"
                rows.append(
                    changes | {"id": example["id"], "category": category, METRIC: edge_f1(io.read(file), photo)}
                )
    return pd.DataFrame(rows)


def summary(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """A row for each category, and for all, in each cell of the grid: images, mean, low, high."""
    rows = []
    for category in [ALL, *sorted(table["category"].unique())]:
        chosen = table if category == ALL else table[table["category"] == category]
        for (guidance_scale, steps), cell in chosen.groupby(["guidance_scale", "steps"]):
            found = bootstrap(cell[METRIC], list(cell["id"]), level=level)
            where = {"category": category, "guidance_scale": guidance_scale, "steps": steps, "images": len(cell)}
            rows.append(where | found)
    return pd.DataFrame(rows)


def recommendation(cells: pd.DataFrame, tolerance: float) -> dict[str, float]:
    """The smallest number of steps whose best guidance is within tolerance of the best cell, and that guidance."""
    cells = cells[cells["category"] == ALL]
    best = cells["mean"].max()
    enough = (
        cells[cells["mean"] >= best * (1 - tolerance)].sort_values(["steps", "mean"], ascending=[True, False]).iloc[0]
    )
    return {
        "steps": int(enough["steps"]),
        "guidance_scale": float(enough["guidance_scale"]),
        METRIC: float(f"{enough['mean']:.4g}"),
        f"best_{METRIC}": float(f"{best:.4g}"),
    }


def plot(cells: pd.DataFrame, chosen: dict, file: Path) -> None:
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


def main(file: Path) -> None:
    settings, params = yaml.safe_load(file.read_text(encoding="utf-8")), params_file.load()
    drawn = list(records.Records(Path("data/generated")))
    examples = [drawn[place] for place in evenly_spaced(len(drawn), settings["sketches"])]
    cells = summary(sweep(examples, settings, params, TRAINED), params.evaluate.level)
    chosen = recommendation(cells, settings["tolerance"])
    cells.round(5).to_csv(METRICS / "steps.csv", index=False)
    write_json(METRICS / "steps.json", chosen | {"sketches": len(examples)})
    plot(cells, chosen, METRICS / "steps.png")
    print(f"{chosen['steps']} steps at guidance_scale {chosen['guidance_scale']:g}")


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sweep.yaml"))
    except UserError as error:
        sys.exit(f"steps: {error}")
