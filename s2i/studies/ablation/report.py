"""The scores of an ablation as tables and as a plot, with intervals that hold for other photos and other seeds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2i.core.files import whole_file
from s2i.imaging import plots
from s2i.metrics import registry
from s2i.metrics.intervals import mean_interval
from s2i.studies.ablation.statistics import Estimate, photo_seed_interval

METRICS = ("lpips", "edge_f1", "window_recall", "lpips_matte")
OF_THE_BUILDING = ("window_recall", "lpips_matte")  # metrics that do not see the background
LEVEL = 0.95
BEGIN, END = "<!-- figures, written by studies/ablation/run.py -->", "<!-- end of figures -->"


def write_report(table: pd.DataFrame, study: Mapping[str, Any], planned: int, page: Path, image: Path) -> None:
    """Put tables between the two comments of a Markdown page, and the plot beside it.

    table: one row a run and photo: experiment, seed, prompts, trained, photo and the METRICS.
    """
    count = len(table[["experiment", "seed", "prompts"]].drop_duplicates())
    lines = [f"{count} of {planned} runs, seeds {', '.join(map(str, study['seeds']))}.", ""]
    if count:
        plot(table, study, image)
        lines += [f"![every experiment]({image.name})", "", *_table_of_all(table, study)]
        lines += _table_of_differences(table, study) + _table_of_prompts(table, study)
    before, after = page.read_text(encoding="utf-8").split(BEGIN)[0], page.read_text(encoding="utf-8").split(END)[1]
    with whole_file(page) as draft:
        draft.write_text(before + "\n".join([BEGIN, "", *lines, "", END]) + after, encoding="utf-8")


def summary(rows: pd.DataFrame, metric: str) -> dict[str, Any]:
    """{"mean", "low", "high"} for other photos and seeds, and "seeds": the mean of each seed.

    Of one seed the interval is over photos alone.
    """
    scores = _photos_by_seeds(rows, metric)
    seeds = {"seeds": list(scores.mean())}
    if scores.shape[1] < 2:
        return mean_interval(scores.iloc[:, 0]) | seeds
    return photo_seed_interval(scores, LEVEL)._asdict() | seeds


def difference(rows: pd.DataFrame, reference: pd.DataFrame, metric: str, comparisons: int = 1) -> Estimate:
    """What a photo scores less what it scores with the reference and the same seed; the interval as in `summary`.

    comparisons: how many such intervals are to hold at once.  What has one seed is compared with every one of the
    reference.
    """
    scores, others = _photos_by_seeds(rows, metric), _photos_by_seeds(reference, metric)
    if scores.shape[1] == 1:
        differences = others.rsub(scores.iloc[:, 0], axis=0).dropna()
    else:
        differences = (scores - others).dropna(axis=1, how="all").dropna()
    return photo_seed_interval(differences, LEVEL, comparisons)


def _photos_by_seeds(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The scores as a table, a row a photo and a column a seed; photos that lack one are left out."""
    return rows.pivot(index="photo", columns="seed", values=metric).dropna()


def compared(table: pd.DataFrame, study: Mapping[str, Any], experiment: str | None = None) -> list[str]:
    """The metrics that can be compared: those that were computed, and of an experiment those that it leaves alone."""
    known = [name for name in METRICS if name in table and table[name].notna().any()]
    if experiment in study.get("of_the_building", ()):
        return [name for name in known if name in OF_THE_BUILDING]
    return known


def plot(table: pd.DataFrame, study: Mapping[str, Any], file: Path) -> None:
    """Every experiment a line: its mean with the interval, its seeds as small dots, and without prompts hollow."""
    experiments = list(_experiments(table, study))
    groups = list(dict.fromkeys(group for group, _, _ in experiments))
    heights = [index + 0.7 * groups.index(group) for index, (group, _, _) in enumerate(experiments)]
    metrics = compared(table, study)
    size = (4 * len(metrics), 1.2 + 0.3 * heights[-1])
    figure, axes = plots.pyplot().subplots(
        1, len(metrics), figsize=size, sharey=True, squeeze=False, layout="constrained"
    )
    for axis, metric in zip(axes[0], metrics, strict=True):
        for height, (group, name, rows) in zip(heights, experiments, strict=True):
            if metric not in compared(table, study, name):
                continue
            color = f"C{groups.index(group)}"
            _plot_interval(axis, height, summary(rows, metric), color, color)
            if len(without_prompts := _rows_of(table, name, "empty")):
                _plot_interval(axis, height + 0.35, summary(without_prompts, metric), color, "white")
            if name == study["reference"]:
                axis.axvline(summary(rows, metric)["mean"], color=color, linewidth=0.8, linestyle="--", zorder=0)
        axis.set_title(f"{metric}, {_better(metric)} is better", fontsize=10)
        axis.grid(axis="x", color="0.92")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    names = [name for _, name, _ in experiments]
    axes[0, 0].set(yticks=heights, yticklabels=names, ylim=(heights[-1] + 0.8, -0.6))
    figure.supxlabel(f"small dots: seeds; hollow: without prompts; dashed: {study['reference']}", fontsize=9)
    plots.save(figure, file, dpi=110)


def _plot_interval(axis: Any, height: float, figures: Mapping[str, Any], color: str, face: str) -> None:
    ends, seeds = [figures["low"], figures["high"]], figures["seeds"]
    axis.plot(ends, [height, height], color=color, linewidth=1.6, solid_capstyle="butt", zorder=2)
    axis.plot(seeds, [height] * len(seeds), ".", color="0.25", markersize=3, zorder=4)
    axis.plot(figures["mean"], height, "o", color=color, markerfacecolor=face, markersize=6, zorder=3)


def _experiments(table: pd.DataFrame, study: Mapping[str, Any]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Group, experiment and its rows, those with given prompts, in the order of the study."""
    for group, experiments in study["groups"].items():
        for name in experiments:
            rows = _rows_of(table, name)
            if len(rows):
                yield group, name, rows


def _rows_of(table: pd.DataFrame, experiment: str, prompts: str = "given") -> pd.DataFrame:
    return table[(table["experiment"] == experiment) & (table["prompts"] == prompts)]


def _table_of_all(table: pd.DataFrame, study: Mapping[str, Any]) -> list[str]:
    metrics = compared(table, study)
    titles = [title for metric in metrics for title in (f"`{metric}`, {_better(metric)} is better", "seeds")]
    lines = _head("", "experiment", "trained numbers", "seconds of training", *titles)
    previous = None
    for group, name, rows in _experiments(table, study):
        cells = []
        for metric in metrics:
            if metric not in compared(table, study, name):
                cells += ["", ""]
                continue
            figures = summary(rows, metric)
            cells += [_cell(figures), f"{np.ptp(figures['seeds']):.3f}" if len(figures["seeds"]) > 1 else ""]
        label = f"{name} (reference)" if name == study["reference"] else name
        seconds, trained = rows.groupby("seed")["seconds"].first().median(), rows["trained"].iloc[0]
        lines.append(_row("" if group == previous else group, label, f"{trained:,}", f"{seconds:.0f}", *cells))
        previous = group
    legend = (
        "In brackets 95 % intervals for other photos and other seeds (of one seed: for other photos); `seeds`: the "
        "largest mean of a seed less the smallest."
    )
    return [*lines, "", legend]


def _table_of_differences(table: pd.DataFrame, study: Mapping[str, Any]) -> list[str]:
    """What each photo scores less what it scores with the reference; no lines where the reference was not run."""
    reference = _rows_of(table, study["reference"])
    if reference["seed"].nunique() < 2:
        return []
    metrics = compared(table, study)
    others = [(name, rows) for _, name, rows in _experiments(table, study) if name != study["reference"]]
    comparisons = sum(len(compared(table, study, name)) for name, _ in others)
    title = (
        f"What a photo scores less what it scores with `{study['reference']}`.  The {comparisons} intervals hold at "
        "once with 95 %, for other photos and other seeds; what is not bold is not told apart:"
    )
    lines = ["", title, "", *_head("experiment", *(f"`{metric}`" for metric in metrics))]
    for name, rows in others:
        known = compared(table, study, name)
        cells = [
            _difference_cell(difference(rows, reference, metric, comparisons)) if metric in known else ""
            for metric in metrics
        ]
        lines.append(_row(name, *cells))
    return lines


def _table_of_prompts(table: pd.DataFrame, study: Mapping[str, Any]) -> list[str]:
    """The experiments that were run with and without prompts; no lines where none was."""
    lines, metrics = [], compared(table, study)
    for name in study["without_prompts"]:
        rows_of_both = [_rows_of(table, name, prompts) for prompts in ("given", "empty")]
        if all(map(len, rows_of_both)):
            figures = (summary(rows, metric) for metric in metrics for rows in rows_of_both)
            lines.append(_row(name, *map(_cell, figures)))
    titles = (f"`{metric}`, {prompts}" for metric in metrics for prompts in ("with", "without"))
    begin = ["", "Scored with the prompts of the photos, and without any:", "", *_head("experiment", *titles)]
    return begin + lines if lines else []


def _better(metric: str) -> str:
    return registry.METRICS[metric].better


def _cell(figures: Mapping[str, float], sign: str = "") -> str:
    return f"{figures['mean']:{sign}.3f} ({figures['low']:{sign}.3f} to {figures['high']:{sign}.3f})"


def _difference_cell(estimate: Estimate) -> str:
    text = _cell(estimate._asdict(), "+")
    return f"**{text}**" if estimate.is_told_apart else text


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _head(*titles: str) -> list[str]:
    return [_row(*titles), "|" + "---|" * len(titles)]
