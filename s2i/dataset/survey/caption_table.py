"""Several captioners side by side: the table of their answers read, scored and plotted."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from s2i.core.errors import UserError
from s2i.core.files import read_text
from s2i.imaging import plots
from s2i.metrics.captions import distinctness, names_label, parser, words, yngve_depth
from s2i.metrics.intervals import bootstrap

METRICS = ("label_accuracy", "length", "distinctness", "yngve_depth")
COLUMNS = ("image", "label", "prompt", "answer")


def compare(table: pd.DataFrame) -> pd.DataFrame:
    """One row a prompt: captions, label_accuracy and length in words with intervals, distinctness, share of empty ones.

    Where `parser` finds a parser also yngve_depth with its interval.
    table: columns image, label, prompt and answer, and model where several were asked; without label there is no
    label_accuracy.  Intervals resample images.
    """
    by = [column for column in ("model", "prompt") if column in table]
    rows = []
    for key, group in table.groupby(by, sort=True):
        images = list(group["image"])
        lengths = [len(words(answer)) for answer in group["answer"]]
        row = dict(zip(by, key, strict=True)) | {"captions": len(group)}
        measured = {}
        if "label" in group:
            answers = zip(group["answer"], group["label"], strict=True)
            measured["label_accuracy"] = [names_label(answer, label) for answer, label in answers]
        measured["length"] = lengths
        if heads := parser():
            measured["yngve_depth"] = [yngve_depth(heads(answer)) for answer in group["answer"]]
        for name, values in measured.items():
            figures = bootstrap(values, images)
            row |= {name if part == "mean" else f"{name}_{part}": value for part, value in figures.items()}
        row |= {"distinctness": distinctness(list(group["answer"])), "empty": float(np.mean([not n for n in lengths]))}
        rows.append(row)
    return pd.DataFrame(rows)


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


def _rows(file: Path, reader) -> Iterator[dict[str, str]]:
    columns = next(reader, [])
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
    """Every metric of every prompt, side by side."""
    by = [column for column in ("model", "prompt") if column in compared]
    names = [" · ".join(str(value) for value in row) for row in compared[by].itertuples(index=False)]
    short = [name if len(name) <= 60 else f"{name[:57]}..." for name in names]
    metrics = [name for name in METRICS if name in compared]
    figure, axes = plots.pyplot().subplots(
        1, len(metrics), figsize=(4.4 * len(metrics), 0.4 * len(names) + 1.4), sharey=True, layout="constrained"
    )
    for axis, metric in zip(axes, metrics, strict=True):
        spread = None
        if f"{metric}_low" in compared:
            spread = [compared[metric] - compared[f"{metric}_low"], compared[f"{metric}_high"] - compared[metric]]
        axis.barh(range(len(short)), compared[metric], xerr=spread, color="C0", capsize=3)
        axis.set_title(metric)
        axis.locator_params(axis="x", nbins=5)
    axes[0].set_yticks(range(len(short)), short)
    axes[0].invert_yaxis()
    plots.save(figure, file)
