"""The scores of an ablation as tables and as a plot, with intervals over photos and the spread over seeds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2i.core.files import whole_file
from s2i.imaging import plots
from s2i.metrics import registry
from s2i.metrics.intervals import bootstrap

METRICS = ("st_lpips", "edge_f1", "window_count_error")
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
    """{"mean", "low", "high"}, resampling photos with all seeds pooled, and "seeds": the mean of each seed."""
    rows = rows.dropna(subset=metric)
    return bootstrap(rows[metric], list(rows["photo"])) | {"seeds": list(rows.groupby("seed")[metric].mean())}


def difference(rows: pd.DataFrame, reference: pd.DataFrame, metric: str) -> dict[str, float]:
    """{"mean", "low", "high"} of what a photo scores less what it scores with the reference, each over all seeds."""
    return bootstrap((rows.groupby("photo")[metric].mean() - reference.groupby("photo")[metric].mean()).dropna())


def plot(table: pd.DataFrame, study: Mapping[str, Any], file: Path) -> None:
    """Every experiment a line: its mean with the interval, its seeds as small dots, and without prompts hollow."""
    experiments = list(_experiments(table, study))
    groups = list(dict.fromkeys(group for group, _, _ in experiments))
    heights = [index + 0.7 * groups.index(group) for index, (group, _, _) in enumerate(experiments)]
    size = (4 * len(METRICS), 1.2 + 0.3 * heights[-1])
    figure, axes = plots.pyplot().subplots(1, len(METRICS), figsize=size, sharey=True, layout="constrained")
    for axis, metric in zip(axes, METRICS, strict=True):
        for height, (group, name, rows) in zip(heights, experiments, strict=True):
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
    axes[0].set(yticks=heights, yticklabels=names, ylim=(heights[-1] + 0.8, -0.6))
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
    titles = [title for metric in METRICS for title in (f"`{metric}`, {_better(metric)} is better", "seeds")]
    lines = _head("", "experiment", "trained numbers", *titles)
    previous = None
    for group, name, rows in _experiments(table, study):
        cells = []
        for metric in METRICS:
            figures = summary(rows, metric)
            cells += [_cell(figures), f"{np.ptp(figures['seeds']):.3f}" if len(figures["seeds"]) > 1 else ""]
        label = f"{name} (reference)" if name == study["reference"] else name
        lines.append(_row("" if group == previous else group, label, f"{rows['trained'].iloc[0]:,}", *cells))
        previous = group
    legend = (
        "In brackets 95 % intervals over photos, seeds pooled; `seeds`: the largest mean of a seed less the smallest."
    )
    return [*lines, "", legend]


def _table_of_differences(table: pd.DataFrame, study: Mapping[str, Any]) -> list[str]:
    """What each photo scores less what it scores with the reference; no lines where the reference was not run."""
    reference = _rows_of(table, study["reference"])
    if not len(reference):
        return []
    title = (
        f"What a photo scores less what it scores with `{study['reference']}`, bold where the interval excludes zero:"
    )
    lines = ["", title, "", *_head("experiment", *(f"`{metric}`" for metric in METRICS))]
    for _, name, rows in _experiments(table, study):
        if name != study["reference"]:
            differences = [difference(rows, reference, metric) for metric in METRICS]
            lines.append(_row(name, *map(_difference_cell, differences)))
    return lines


def _table_of_prompts(table: pd.DataFrame, study: Mapping[str, Any]) -> list[str]:
    """The experiments that were run with and without prompts; no lines where none was."""
    lines = []
    for name in study["without_prompts"]:
        rows_of_both = [_rows_of(table, name, prompts) for prompts in ("given", "empty")]
        if all(map(len, rows_of_both)):
            figures = (summary(rows, metric) for metric in METRICS for rows in rows_of_both)
            lines.append(_row(name, *map(_cell, figures)))
    titles = (f"`{metric}`, {prompts}" for metric in METRICS for prompts in ("with", "without"))
    begin = ["", "Scored with the prompts of the photos, and without any:", "", *_head("experiment", *titles)]
    return begin + lines if lines else []


def _better(metric: str) -> str:
    return registry.METRICS[metric].better


def _cell(figures: Mapping[str, float], sign: str = "") -> str:
    return f"{figures['mean']:{sign}.3f} ({figures['low']:{sign}.3f} to {figures['high']:{sign}.3f})"


def _difference_cell(figures: Mapping[str, float]) -> str:
    text = _cell(figures, "+")
    return f"**{text}**" if figures["low"] * figures["high"] > 0 else text


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _head(*titles: str) -> list[str]:
    return [_row(*titles), "|" + "---|" * len(titles)]
