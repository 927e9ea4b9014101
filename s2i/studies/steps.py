"""How much guidance an image needs, and how many steps.

Validation sketches are drawn with the trained model from the same seeds, first with every pair of ``guidance_scale``
and ``control_guidance_scale`` of a sweep, in a fixed number of steps, then with the pair that was chosen in every
number of steps.  Test photos are not looked at, so that their scores stay those of a model that was never chosen by
them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from s2i.core import records
from s2i.core.errors import UserError
from s2i.core.files import write_json
from s2i.core.params import Params
from s2i.core.user_files import read_yaml
from s2i.diffusion import image_cache
from s2i.diffusion.guidance import Guidance
from s2i.evaluation.scoring import Reference, pixel_scores
from s2i.imaging import io, plots, tensors
from s2i.imaging.mosaics import evenly_spaced
from s2i.metrics.intervals import mean_interval
from s2i.metrics.sharpness import sharpness
from s2i.networks import lpips
from s2i.training.methods.method import load_method

SCALES = ["guidance_scale", "control_guidance_scale"]
CELL = [*SCALES, "steps"]  # what identifies a cell
SHARE_OF_SHARPNESS = 0.9
METRICS = ("lpips", "edge_f1", "sharpness", "window_recall", "balcony_recall", "color_match")
Distance = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def run_study(sweep: Path, augmented: Path, trained: Path, folder: Path, params: Params) -> None:
    """Draw and score what a sweep asks for, and print the recommendation.  Into ``folder`` go

    - steps.csv: of every cell mean and interval over photos of each metric;
    - steps.json: the recommendation, and its figures;
    - steps.png: both grids.

    sweep: a YAML file with `sketches` (how many), `guidance_scale` and `control_guidance_scale` (lists), `scales_in`
    (how many steps these are compared in), `steps` (a list) and `tolerance` (a share).
    augmented: the records, of which those of validation are drawn.  trained: the model.
    Raises UserError when there are none.
    """
    settings = read_yaml(sweep)
    rows = [record for record in records.Records(augmented) if record["split"] == "val"]
    if not rows:
        raise UserError(f"{augmented} has no validation sketches: add photos, or raise ingest.val in params.yaml.")
    examples = [
        rows[index] | {"generation_seed": image_cache.seed_of(params.seed, rows[index]["id"], rows[index]["variant"])}
        for index in evenly_spaced(len(rows), settings["sketches"])
    ]
    pairs = product(*(settings[name] for name in SCALES))
    cells = [dict(zip(SCALES, pair, strict=True)) | {"steps": settings["scales_in"]} for pair in pairs]
    by_scales = score_cells(examples, cells, params, trained, folder)
    scales = best_scales(by_scales, settings["tolerance"])
    cells = [scales | {"steps": steps} for steps in settings["steps"]]
    by_steps = score_cells(examples, cells, params, trained, folder)
    chosen = scales | {"steps": fewest_steps(by_steps, settings["tolerance"])}
    table = summary(pd.concat([by_scales, by_steps]).drop_duplicates([*CELL, "example"]), params.evaluate.level)
    table.round(5).to_csv(folder / "steps.csv", index=False)
    write_json(folder / "steps.json", chosen | figures_of(table, chosen) | {"sketches": len(examples)})
    plot(table, chosen, folder / "steps.png")
    print(", ".join(f"{name}: {value:g}" for name, value in chosen.items()))


def score_cells(
    examples: Sequence[dict], cells: Iterable[Mapping[str, float]], params: Params, trained: Path, folder: Path
) -> pd.DataFrame:
    """One row an image: what identifies its cell, example (a number), id (of the photo) and the metrics.

    Raises UserError where the weights of LPIPS cannot be had.
    """
    method, distance = load_method(params.method), lpips.load("alex", torch.device("cpu"))
    references = [reference_of(example) for example in examples]
    rows = []
    for cell in cells:
        changed = params.model_copy(update={"generate": params.generate.model_copy(update=dict(cell))})
        task = method.generation_task(list(examples), trained, folder, changed)
        key = {name: getattr(changed.generate, name) for name in CELL}
        description = ", ".join(f"{name} {value:g}" for name, value in key.items())
        files = image_cache.cached_images(task, changed, description)
        for number, (example, file) in enumerate(zip(examples, files, strict=True)):
            scores = image_scores(distance, io.read(file), references[number])
            rows.append(key | {"example": number, "id": example["id"]} | scores)
    return pd.DataFrame(rows)


def image_scores(distance: Distance, image: np.ndarray, reference: Reference) -> dict[str, float]:
    """Each of `METRICS` of a generated image; NaN for a part or a colour that nothing is known of.

    distance: LPIPS, of batches in [-1, 1].
    """
    scores = pixel_scores(image, reference)
    scores["sharpness"] = sharpness(image, reference.photo)
    pair = (tensors.to_unit_range(tensors.stack([array])) for array in (image, reference.photo))
    with torch.no_grad():
        scores["lpips"] = distance(*pair).item()
    return {name: scores.get(name, float("nan")) for name in METRICS}


def reference_of(example: dict[str, Any]) -> Reference:
    """What the images of an example are compared with."""
    matte, labels = example.get("truth_matte") or example.get("matte"), example.get("truth_labels")
    return Reference(
        example,
        io.read(Path(example["photo"])),
        rectangles=0,  # none of the metrics here counts them
        sketch=None,
        matte=io.read_grey(Path(matte)) if matte else None,
        labels=io.read_labels(Path(labels)) if labels else None,
    )


def summary(table: pd.DataFrame, level: float) -> pd.DataFrame:
    """A row for each metric in each cell: metric, images, mean, low, high; images without a value do not count."""
    rows = []
    for key, cell in table.groupby(CELL):
        for metric in METRICS:
            known = cell[cell[metric].notna()]
            if len(known):
                interval = mean_interval(known[metric], list(known["id"]), level=level)
                rows.append(dict(zip(CELL, key, strict=True)) | {"metric": metric, "images": len(known)} | interval)
    return pd.DataFrame(rows)


def best_scales(table: pd.DataFrame, tolerance: float) -> dict[str, float]:
    """The pair of scales that heeds the words best, by color_match, of those within tolerance of the least LPIPS.

    Of several the one that costs the fewest predictions, and then the one with the least LPIPS.
    """
    means = table.groupby(SCALES).mean(numeric_only=True).reset_index()
    good = means[means["lpips"] <= means["lpips"].min() * (1 + tolerance)]
    costs = [len(Guidance(*pair).branches()) for pair in zip(*(good[name] for name in SCALES), strict=True)]
    best = good.assign(cost=costs).sort_values(["color_match", "cost", "lpips"], ascending=[False, True, True]).iloc[0]
    return {name: float(best[name]) for name in SCALES}


def fewest_steps(table: pd.DataFrame, tolerance: float) -> int:
    """The smallest number of steps that is as sharp as the most are, and within tolerance of the best in the rest.

    As sharp: at least `SHARE_OF_SHARPNESS` of it, as a share of the photos'.  Distances of features and contours alone
    would choose blurred images: to both, the mean that a single step gives is good.
    """
    means = table.groupby("steps").mean(numeric_only=True)
    good = means[means["sharpness"] >= SHARE_OF_SHARPNESS * min(1.0, means.loc[means.index.max(), "sharpness"])]
    good = good[good["lpips"] <= good["lpips"].min() * (1 + tolerance)]
    good = good[good["edge_f1"] >= good["edge_f1"].max() * (1 - tolerance)]
    return int(good.index.min())


def figures_of(cells: pd.DataFrame, cell: Mapping[str, float]) -> dict[str, float]:
    """The mean of each metric in a cell, to four digits."""
    of_cell = cells[(cells[CELL] == [cell[name] for name in CELL]).all(axis=1)]
    means = of_cell.set_index("metric")["mean"]
    return {str(metric): float(f"{mean:.4g}") for metric, mean in means.items()}


def plot(cells: pd.DataFrame, chosen: Mapping[str, float], file: Path) -> None:
    """Left the scales by LPIPS, right every metric by the number of steps at the chosen scales, with intervals."""
    figure, (left, right) = plots.pyplot().subplots(1, 2, figsize=(11, 4), layout="constrained")
    distances = cells[cells["metric"] == "lpips"]
    swept = distances.groupby("steps").size().idxmax()  # the number of steps that all scales are drawn in
    for scale, rows in distances[distances["steps"] == swept].groupby("guidance_scale"):
        _curve(left, rows, "control_guidance_scale", f"guidance_scale {scale:g}")
    left.set(xlabel="control_guidance_scale", ylabel="lpips, lower is better", title=f"the scales, {swept} steps")
    at_scales = cells[(cells[SCALES] == [chosen[name] for name in SCALES]).all(axis=1)]
    for metric in METRICS:
        _curve(right, at_scales[at_scales["metric"] == metric], "steps", metric)
    right.axvline(chosen["steps"], color="0.5", linestyle="--", linewidth=1)
    ticks = sorted(at_scales["steps"].unique())
    title = ", ".join(f"{name} {chosen[name]:g}" for name in SCALES)
    right.set(title=title, xlabel="steps", xscale="log", xticks=ticks, xticklabels=ticks)
    right.minorticks_off()
    for axis in (left, right):
        axis.legend(fontsize=7)
    plots.save(figure, file)


def _curve(axis: Any, rows: pd.DataFrame, x: str, label: str) -> None:
    rows = rows.sort_values(x)
    line = axis.plot(rows[x], rows["mean"], marker="o", markersize=3, label=label)[0]
    if "low" in rows:
        axis.fill_between(rows[x], rows["low"], rows["high"], color=line.get_color(), alpha=0.12)
