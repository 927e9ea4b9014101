"""How captions of one kind compare with those of another: do they name the class, how long are they, do they repeat."""

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd

from s2i import plots
from s2i.errors import UserError
from s2i.files import read_text
from s2i.metrics.intervals import bootstrap

METRICS = ("label_accuracy", "length", "distinctness", "yngve_depth")
COLUMNS = ("image", "label", "prompt", "answer")
# What people call a class of the Sketchy database beside its own name; the words of a name count by themselves.
SYNONYMS = {
    "airplane": ("plane", "aeroplane", "jet", "aircraft"),
    "armor": ("armour",),
    "axe": ("ax",),
    "bicycle": ("bike",),
    "car": ("automobile", "sedan"),
    "cat": ("kitten",),
    "couch": ("sofa",),
    "cow": ("bull", "cattle"),
    "crocodilian": ("crocodile", "alligator"),
    "dog": ("puppy",),
    "eyeglasses": ("glasses", "spectacles"),
    "hamburger": ("burger", "cheeseburger"),
    "helicopter": ("chopper",),
    "hotdog": ("hot dog",),
    "motorcycle": ("motorbike",),
    "mouse": ("mice",),
    "pickup truck": ("pickup", "pick-up truck"),
    "pistol": ("gun", "handgun", "revolver"),
    "rabbit": ("bunny", "hare"),
    "rhinoceros": ("rhino",),
    "rifle": ("gun", "shotgun"),
    "sailboat": ("boat", "yacht"),
    "seagull": ("gull",),
    "ship": ("boat", "vessel"),
    "teapot": ("kettle",),
    "wine bottle": ("bottle",),
}


def names_label(answer: str, label: str) -> bool:
    """Whether an answer names the class, as a whole word, in the plural too, or by a synonym.

    label: as the Sketchy database writes it: for car_(sedan), "car" and "sedan" will do, "carpet" will not; whether its
    words are joined by spaces, hyphens or nothing does not count.
    """
    main, _, detail = label.replace("_", " ").partition("(")
    main, detail = main.strip().lower(), detail.strip(" )").lower()
    names = {main, *SYNONYMS.get(main, ())} | ({detail} if detail else set())
    names |= {re.sub(*ending, name) for name in names for ending in (("y$", "ie"), ("fe?$", "ve"))}  # before an s
    joined = (r"[\s_-]*".join(map(re.escape, re.split(r"[\s_-]+", name))) for name in names if name.strip("-"))
    pattern = "|".join(f"{name}(?:e?s)?" for name in joined)
    return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", re.sub("['\u2019]", "", answer.lower())) is not None


def words(text: str) -> list[str]:
    """The words of a text in lower case."""
    return re.findall(r"[^\W_]+(?:['-][^\W_]+)*", text.lower())


def distinctness(answers: Sequence[str]) -> float:
    """Share of the pairs of neighbouring words, over all answers, that are not repeated; 0 where there are none.

    Source: distinct-2 of Li et al., "A diversity-promoting objective function for neural conversation models", 2016.
    """
    pairs = [pair for answer in answers for pair in zip(words(answer), words(answer)[1:], strict=False)]
    return len(set(pairs)) / len(pairs) if pairs else 0.0


def yngve_depth(heads: Sequence[int]) -> float:
    """How much of a sentence is still open while it is read: the mean depth of its words after Yngve.

    heads: for each word the place of the word it depends on, its own place for the root of a sentence.  A word and
    what depends on it is a constituent, whose parts in their order are the words' own constituents and the word; the
    branches of a constituent are numbered from the right, from 0, and a word's depth is the sum on its way from the
    root.  0 for a single word, and where there are no words.
    Source: Yngve, "A model and an hypothesis for language structure", 1960, on the constituents of a dependency tree.
    """
    parts: dict[int, list[int]] = {word: [word] for word in range(len(heads))}
    for word, head in enumerate(heads):
        if head != word:
            parts[head].append(word)
    depths = []
    open_parts = [(word, 0) for word, head in enumerate(heads) if word == head]
    while open_parts:
        constituent, above = open_parts.pop()
        for branch, part in enumerate(sorted(parts[constituent], reverse=True)):
            if part == constituent:
                depths.append(above + branch)
            else:
                open_parts.append((part, above + branch))
    return float(np.mean(depths)) if depths else 0.0


@cache
def parser() -> Callable[[str], list[int]] | None:
    """A function from a text to the heads of its words, by spaCy's small English model; None where it is missing."""
    try:
        import spacy

        model = spacy.load("en_core_web_sm")
    except (ImportError, OSError):  # OSError: spaCy without the model
        return None
    return lambda text: [token.head.i for token in model(text)]


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
