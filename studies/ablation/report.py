"""The scores of an ablation as tables and as a plot, with intervals over photos and the spread over seeds."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from s2i.core.files import whole_file
from s2i.metrics.intervals import bootstrap

METRICS = {"st_lpips": "lower", "edge_f1": "higher", "window_count_error": "lower"}  # what is better
BEGIN, END = "<!-- figures, written by studies/ablation/run.py -->", "<!-- end of figures -->"


def write_report(table: pd.DataFrame, study: Mapping, planned: int, page: Path, image: Path) -> None:
    """Put tables between the two comments of a Markdown page, and the plot beside it.

    table: one row a run and photo: experiment, seed, prompts, trained, photo and the METRICS.
    """
    count = len(table[["experiment", "seed", "prompts"]].drop_duplicates())
    lines = [f"{count} of {planned} runs, seeds {', '.join(map(str, study['seeds']))}.", ""]
    if count:
        plot(table, study, image)
        lines += [f"![every experiment]({image.name})", "", *_all(table, study)]
        lines += _beside_reference(table, study) + _with_and_without_prompts(table, study)
    before, after = page.read_text(encoding="utf-8").split(BEGIN)[0], page.read_text(encoding="utf-8").split(END)[1]
    with whole_file(page) as draft:
        draft.write_text(before + "\n".join([BEGIN, "", *lines, "", END]) + after, encoding="utf-8")


def summary(rows: pd.DataFrame, metric: str) -> dict:
    """{"mean", "low", "high"}, resampling photos with all seeds pooled, and "seeds": the mean of each seed."""
    rows = rows.dropna(subset=metric)
    return bootstrap(rows[metric], list(rows["photo"])) | {"seeds": list(rows.groupby("seed")[metric].mean())}


def difference(rows: pd.DataFrame, reference: pd.DataFrame, metric: str) -> dict:
    """{"mean", "low", "high"} of what a photo scores less what it scores with the reference, each over all seeds."""
    less = (rows.groupby("photo")[metric].mean() - reference.groupby("photo")[metric].mean()).dropna()
    return bootstrap(less)


def _experiments(table: pd.DataFrame, study: Mapping) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Group, experiment and its rows, those with given prompts, in the order of the study."""
    for group, experiments in study["groups"].items():
        for name in experiments:
            rows = _of(table, name)
            if len(rows):
                yield group, name, rows


def _of(table: pd.DataFrame, name: str, prompts: str = "given") -> pd.DataFrame:
    return table[(table["experiment"] == name) & (table["prompts"] == prompts)]


def _cell(value: Mapping, sign: str = "") -> str:
    return f"{value['mean']:{sign}.3f} ({value['low']:{sign}.3f} to {value['high']:{sign}.3f})"


def _row(*cells) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _head(*titles: str) -> list[str]:
    return [_row(*titles), "|" + "---|" * len(titles)]


def _all(table: pd.DataFrame, study: Mapping) -> list[str]:
    titles = [title for metric, better in METRICS.items() for title in (f"`{metric}`, {better} is better", "seeds")]
    lines = _head("", "experiment", "trained numbers", *titles)
    shown = None
    for group, name, rows in _experiments(table, study):
        cells = []
        for metric in METRICS:
            found = summary(rows, metric)
            cells += [_cell(found), f"{np.ptp(found['seeds']):.3f}" if len(found["seeds"]) > 1 else ""]
        label = f"{name} (reference)" if name == study["reference"] else name
        lines.append(_row("" if group == shown else group, label, f"{rows['trained'].iloc[0]:,}", *cells))
        shown = group
    return [
        *lines,
        "",
        "In brackets 95 % intervals over photos, seeds pooled; `seeds`: the largest mean of a seed less the smallest.",
    ]


def _beside_reference(table: pd.DataFrame, study: Mapping) -> list[str]:
    reference = _of(table, study["reference"])
    if not len(reference):
        return []
    lines = [
        "",
        f"What a photo scores less what it scores with `{study['reference']}`, bold where the interval excludes zero:",
        "",
    ]
    lines += _head("experiment", *(f"`{metric}`" for metric in METRICS))
    for _, name, rows in _experiments(table, study):
        if name != study["reference"]:
            found = [difference(rows, reference, metric) for metric in METRICS]
            lines.append(_row(name, *(_bold(_cell(one, "+"), one["low"] * one["high"] > 0) for one in found)))
    return lines


def _bold(text: str, really: bool) -> str:
    return f"**{text}**" if really else text


def _with_and_without_prompts(table: pd.DataFrame, study: Mapping) -> list[str]:
    lines = []
    for name in study["without_prompts"]:
        pair = [_of(table, name, prompts) for prompts in ("given", "empty")]
        if all(map(len, pair)):
            lines.append(_row(name, *(_cell(summary(rows, metric)) for metric in METRICS for rows in pair)))
    titles = (f"`{metric}`, {said}" for metric in METRICS for said in ("with", "without"))
    begin = ["", "Scored with the prompts of the photos, and without any:", "", *_head("experiment", *titles)]
    return begin + lines if lines else []


def plot(table: pd.DataFrame, study: Mapping, file: Path) -> None:
    """Every experiment a line: its mean with the interval, its seeds as small dots, and without prompts hollow."""
    matplotlib.use("agg")
    from matplotlib import pyplot

    experiments = list(_experiments(table, study))
    groups = list(dict.fromkeys(group for group, _, _ in experiments))
    places = [index + 0.7 * groups.index(group) for index, (group, _, _) in enumerate(experiments)]
    size = (4 * len(METRICS), 1.2 + 0.3 * places[-1])
    figure, axes = pyplot.subplots(1, len(METRICS), figsize=size, sharey=True, layout="constrained")
    for axis, (metric, better) in zip(axes, METRICS.items(), strict=True):
        for place, (group, name, rows) in zip(places, experiments, strict=True):
            color = f"C{groups.index(group)}"
            _dot(axis, place, summary(rows, metric), color, color)
            if len(silent := _of(table, name, "empty")):
                _dot(axis, place + 0.35, summary(silent, metric), color, "white")
            if name == study["reference"]:
                axis.axvline(summary(rows, metric)["mean"], color=color, linewidth=0.8, linestyle="--", zorder=0)
        axis.set_title(f"{metric}, {better} is better", fontsize=10)
        axis.grid(axis="x", color="0.92")
        axis.set_axisbelow(True)
        axis.spines[["top", "right"]].set_visible(False)
    names = [name for _, name, _ in experiments]
    axes[0].set(yticks=places, yticklabels=names, ylim=(places[-1] + 0.8, -0.6))
    figure.supxlabel(f"small dots: seeds; hollow: without prompts; dashed: {study['reference']}", fontsize=9)
    figure.savefig(file, dpi=110)
    pyplot.close(figure)


def _dot(axis, place: float, found: Mapping, color: str, face: str) -> None:
    axis.plot(
        [found["low"], found["high"]], [place, place], color=color, linewidth=1.6, solid_capstyle="butt", zorder=2
    )
    axis.plot(found["seeds"], [place] * len(found["seeds"]), ".", color="0.25", markersize=3, zorder=4)
    axis.plot(found["mean"], place, "o", color=color, markerfacecolor=face, markersize=6, zorder=3)
