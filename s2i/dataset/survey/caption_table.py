"""Several captioners side by side: the table of their answers read, scored and plotted."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2i.core.errors import UserError
from s2i.core.user_files import read_text
from s2i.imaging import plots
from s2i.metrics import captions
from s2i.metrics.intervals import bootstrap

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
            figures = bootstrap(values, list(group["image"]))
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


def read(file: Path) -> pd.DataFrame:
    """A CSV of captions made anywhere: image, label, prompt, answer, and model where there are several.

    Raises UserError when it cannot be read, lacks a column, or has a row that does not fit the columns or is without
    image or label.
    """
    try:
        reader = csv.reader(StringIO(read_text(file), newline=""), strict=True)
        rows = list(_rows(file, reader))
    except FileNotFoundError:
        raise UserError(f"{file} is not there.") from None
    except IsADirectoryError:
        raise UserError(f"{file} is a folder: name the CSV file in it.") from None
    except csv.Error as error:
        raise UserError(f"{file} line {reader.line_num} cannot be read as CSV: {error}.") from None
    if not rows:
        raise UserError(f"{file} has no captions.")
    return pd.DataFrame(rows)


def _rows(file: Path, reader: Any) -> Iterator[dict[str, str]]:
    """The rows of a csv.reader by column; raises UserError as `read` does."""
    columns: list[str] = next(reader, [])
    if missing := [column for column in COLUMNS if column not in columns]:
        raise UserError(f"{file} has no column '{missing[0]}': it needs {', '.join(COLUMNS)}.")
    if twice := [column for column in columns if columns.count(column) > 1]:
        raise UserError(f"{file} has the column '{twice[0]}' twice: keep one.")
    following = reader.line_num + 1
    for cells in reader:
        line, following = following, reader.line_num + 1
        if not cells:
            continue
        if len(cells) != len(columns):
            raise UserError(
                f"{file} line {line} has {len(cells)} cells and not {len(columns)}: put text with commas into quotes."
            )
        row = dict(zip(columns, cells, strict=True))
        if bare := [column for column in ("image", "label") if not row[column].strip()]:
            raise UserError(f"{file} line {line} has no {bare[0]}.")
        yield row


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
    axes[0].set_yticks(range(len(names)), names)
    axes[0].invert_yaxis()
    plots.save(figure, file)


def _shortened(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 3]}..."
