"""What a collection of photos and their sketches holds: counts by class and split, samples."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2i.core.records import SPLITS
from s2i.imaging import io
from s2i.imaging.mosaics import mosaic
from s2i.imaging.plots import pyplot, save

MAX_CLASSES = 40  # in a plot


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


def plot_classes(photos: pd.DataFrame) -> Any:
    """How many photos each class has in each split, the largest classes first; a matplotlib figure."""
    counts = photos.pivot_table(index="label", columns="split", values="id", aggfunc="count", fill_value=0)
    counts = counts.reindex(columns=[split for split in SPLITS if split in counts])
    largest = counts.loc[counts.sum(axis=1).sort_values(kind="stable").index[-MAX_CLASSES:]]
    figure, axis = pyplot().subplots(figsize=(6, 1.2 + 0.24 * len(largest)), layout="constrained")
    left = np.zeros(len(largest))
    for split in largest:
        axis.barh(largest.index, largest[split], left=left, label=f"{split} {counts[split].sum()}")
        left = left + largest[split].to_numpy()
    axis.set(xlabel=f"photos; {len(photos)} in {len(counts)} classes")
    figure.legend(loc="outside upper center", ncols=len(SPLITS), frameon=False, fontsize=8)
    return figure


def plot_sketches(photos: pd.DataFrame) -> Any:
    """How many photos have how many sketches; a matplotlib figure."""
    counts = photos["sketches"].value_counts().sort_index()
    figure, axis = pyplot().subplots(figsize=(4, 2.6), layout="constrained")
    axis.bar(counts.index.astype(str), counts)
    axis.set(xlabel="sketches of a photo", ylabel="photos", title=f"{photos['sketches'].sum()} sketches")
    return figure


def samples(rows: Sequence[dict], classes: int = 12, sketches: int = 3) -> np.ndarray:
    """A photo of each of the first classes and its first sketches, a row a class -> RGB."""
    first = {row.get("label", ""): row for row in reversed(rows)}
    rows_of_classes = [first[label] for label in sorted(first)][:classes]
    columns = {"photo": [io.read(Path(row["photo"])) for row in rows_of_classes]}
    for number in range(sketches):
        blank = np.full_like(columns["photo"][0], 255)
        files = [list(row["sketches"].values())[number : number + 1] for row in rows_of_classes]
        columns[f"sketch {number + 1}"] = [io.read(Path(file[0])) if file else blank for file in files]
    return mosaic(columns)
