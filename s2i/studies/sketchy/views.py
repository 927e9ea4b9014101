"""What a collection of photos and their sketches holds: counts by class and split, samples."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from s2i.imaging import io
from s2i.imaging.mosaics import mosaic
from s2i.imaging.plots import pyplot, save

SPLITS = ("train", "val", "test")
MOST = 40  # classes in a plot


def table(rows: Sequence[dict]) -> pd.DataFrame:
    """A row a photo: id, label, split, sketches (how many)."""
    photos = {row["id"]: row for row in rows}.values()
    columns = {name: [row.get(name, "") for row in photos] for name in ("id", "label", "split")}
    return pd.DataFrame(columns | {"sketches": [len(row["sketches"]) for row in photos]})


def write(rows: Sequence[dict], folder: Path) -> None:
    """classes.png, sketches.png and samples.jpg of the records of a study."""
    photos = table(rows)
    save(plot_classes(photos), folder / "classes.png")
    save(plot_sketches(photos), folder / "sketches.png")
    io.write_jpg(folder / "samples.jpg", samples(rows))


def plot_classes(photos: pd.DataFrame):
    """How many photos each class has in each split, the largest classes first; a figure."""
    counts = photos.pivot_table(index="label", columns="split", values="id", aggfunc="count", fill_value=0)
    counts = counts.reindex(columns=[split for split in SPLITS if split in counts])
    shown = counts.loc[counts.sum(axis=1).sort_values(kind="stable").index[-MOST:]]
    figure, axis = pyplot().subplots(figsize=(6, 1.2 + 0.24 * len(shown)), layout="constrained")
    left = np.zeros(len(shown))
    for split in shown:
        axis.barh(shown.index, shown[split], left=left, label=f"{split} {counts[split].sum()}")
        left = left + shown[split].to_numpy()
    axis.set(xlabel=f"photos; {len(photos)} in {len(counts)} classes")
    figure.legend(loc="outside upper center", ncols=len(SPLITS), frameon=False, fontsize=8)
    return figure


def plot_sketches(photos: pd.DataFrame):
    """How many photos have how many sketches; a figure."""
    counts = photos["sketches"].value_counts().sort_index()
    figure, axis = pyplot().subplots(figsize=(4, 2.6), layout="constrained")
    axis.bar(counts.index.astype(str), counts)
    axis.set(xlabel="sketches of a photo", ylabel="photos", title=f"{photos['sketches'].sum()} sketches")
    return figure


def samples(rows: Sequence[dict], classes: int = 12, sketches: int = 3) -> np.ndarray:
    """A photo of each of the first classes and its first sketches, a row a class -> RGB."""
    first = {row.get("label", ""): row for row in reversed(rows)}
    shown = [first[label] for label in sorted(first)][:classes]
    columns = {"photo": [io.read(Path(row["photo"])) for row in shown]}
    for number in range(sketches):
        drawn = [list(row["sketches"].values())[number : number + 1] for row in shown]
        blank = np.full_like(columns["photo"][0], 255)
        columns[f"sketch {number + 1}"] = [io.read(Path(each[0])) if each else blank for each in drawn]
    return mosaic(columns)
