"""Several captioners side by side: the table of their answers read, scored and plotted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2i.core import tables
from s2i.core.errors import UserError
from s2i.core.quarantine import Refused
from s2i.core.user_files import read_text
from s2i.imaging import plots
from s2i.metrics import captions
from s2i.metrics.intervals import mean_interval

PLOTTED_METRICS = ("label_accuracy", "length", "distinctness", "yngve_depth")
COLUMNS = ("image", "label", "prompt", "answer")
MAX_NAME = 60  # characters of a prompt's name in the plot


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """One row a prompt: captions, label_accuracy and length in words with intervals, distinctness, share of empty ones.

    Where `parser` finds a parser also yngve_depth with its interval.
    table: columns image, label, prompt and answer, and model where several were asked; without label there is no
    label_accuracy.  Intervals resample images.
    """
    by = _key_columns(table)
    rows = []
    for key, group in table.groupby(by, sort=True):
        answers = list(group["answer"])
        row: dict[str, Any] = dict(zip(by, key, strict=True)) | {"captions": len(group)}
        for metric, values in _scores(answers, list(group["label"]) if "label" in group else None).items():
            figures = mean_interval(values, list(group["image"]))
            row |= {metric if part == "mean" else f"{metric}_{part}": value for part, value in figures.items()}
        is_empty = [not captions.words(answer) for answer in answers]
        rows.append(row | {"distinctness": captions.distinctness(answers), "empty": float(np.mean(is_empty))})
    return pd.DataFrame(rows)


def _key_columns(table: pd.DataFrame) -> list[str]:
    """The columns that tell prompts apart, which several models may have been asked."""
    return [column for column in ("model", "prompt") if column in table]


def _scores(answers: Sequence[str], labels: Sequence[str] | None) -> dict[str, list[float]]:
    """{metric: a value for each answer} of the metrics that are means over answers."""
    scores: dict[str, list[float]] = {}
    if labels is not None:
        pairs = zip(answers, labels, strict=True)
        scores["label_accuracy"] = [captions.names_label(answer, label) for answer, label in pairs]
    scores["length"] = [len(captions.words(answer)) for answer in answers]
    if heads := captions.parser():
        scores["yngve_depth"] = [captions.yngve_depth(heads(answer)) for answer in answers]
    return scores


def read(file: Path) -> tuple[pd.DataFrame, list[Refused]]:
    """A CSV of captions made anywhere: image, label, prompt, answer, and model where there are several.

    Also gives the rows that cannot be used: those that do not fit the columns, and those without image or label.
    Raises UserError when the file cannot be read, lacks a column, or has no row that can be used.
    """
    rows = tables.rows(read_text(file))
    header = next(rows, tables.Row(1, []))
    if header.problem:
        raise UserError(f"{file} line 1 cannot be read as CSV: {header.problem}.")
    columns = header.cells
    if missing := [column for column in COLUMNS if column not in columns]:
        raise UserError(f"{file} has no column '{missing[0]}': it needs {', '.join(COLUMNS)}.")
    if twice := [column for column in columns if columns.count(column) > 1]:
        raise UserError(f"{file} has the column '{twice[0]}' twice: keep one.")
    captions: list[dict[str, str]] = []
    refused: list[Refused] = []
    for row in rows:
        if problem := _problem(row, columns):
            refused.append(Refused(f"{file} line {row.line}", problem))
        elif any(row.cells):
            captions.append(dict(zip(columns, row.cells, strict=True)))
    if not captions:
        raise UserError(f"{refused[0].name} {refused[0].why}." if refused else f"{file} has no captions.")
    return pd.DataFrame(captions), refused


def _problem(row: tables.Row, columns: Sequence[str]) -> str:
    """Why a row cannot be used; "" for one that can."""
    if row.problem:
        return f"cannot be read as CSV: {row.problem}"
    if not any(row.cells):
        return ""
    if len(row.cells) != len(columns):
        return f"has {len(row.cells)} cells and not {len(columns)}: put text with commas into quotes"
    cells = dict(zip(columns, row.cells, strict=True))
    bare = [column for column in ("image", "label") if not cells[column].strip()]
    return f"has no {bare[0]}" if bare else ""


def plot(compared: pd.DataFrame, file: Path) -> None:
    """Every metric of every prompt, side by side, with its interval; compared: what `compare` gives."""
    rows = compared[_key_columns(compared)].itertuples(index=False)
    names = [_shortened(" · ".join(str(value) for value in row)) for row in rows]
    metrics = [name for name in PLOTTED_METRICS if name in compared]
    figure, axes = plots.pyplot().subplots(
        1, len(metrics), figsize=(4.4 * len(metrics), 0.4 * len(names) + 1.4), sharey=True, layout="constrained"
    )
    for axis, metric in zip(axes, metrics, strict=True):
        interval = None
        if f"{metric}_low" in compared:
            interval = [compared[metric] - compared[f"{metric}_low"], compared[f"{metric}_high"] - compared[metric]]
        axis.barh(range(len(names)), compared[metric], xerr=interval, color="C0", capsize=3)
        axis.set_title(metric)
        axis.locator_params(axis="x", nbins=5)
    axes[0].set_yticks(range(len(names)), names, parse_math=False)  # a prompt may hold dollars
    axes[0].invert_yaxis()
    plots.save(figure, file)


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 3]}..."
