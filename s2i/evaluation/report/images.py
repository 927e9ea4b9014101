"""Two runs side by side, to be looked at: what they drew of the same sketches, and how they learned."""

from io import BytesIO
from pathlib import Path

import pandas as pd
from PIL import Image

from s2i.evaluation.figures import MOSAIC_COLUMNS
from s2i.evaluation.report import revisions
from s2i.imaging import io, plots
from s2i.imaging.mosaics import cells, evenly_spaced, mosaic

CURVES = {"loss": 20, "validation_loss": 1}  # rows that are averaged
COLORS = {"old": "C0", "new": "C1"}
LOSSES = "metrics/train/plots/metrics/{}.tsv"


def mosaics(
    old: bytes | None, new: bytes | None, old_scores: pd.DataFrame, new_scores: pd.DataFrame, file: Path
) -> bool:
    """Write one mosaic of two, where they show the same sketches: sketch, old, new, target; whether there is any.

    old, new: mosaic.png of two evaluations.  scores: their tables, a row an image in the order of the records.
    """
    if old is None or new is None:
        return False
    before, after = _examples(old, old_scores), _examples(new, new_scores)
    both = [example for example in after if example in before]
    both = [one for one in both if before[one]["target"].shape == after[one]["target"].shape]
    if not both:
        return False
    columns = {
        "sketch": [after[example]["sketch"] for example in both],
        "old": [before[example]["fine-tuned"] for example in both],
        "new": [after[example]["fine-tuned"] for example in both],
        "target": [after[example]["target"] for example in both],
    }
    io.write_png(file, mosaic(columns))
    return True


def _examples(image: bytes, scores: pd.DataFrame) -> dict[tuple[str, str], dict]:
    """The images of a mosaic by column, for each photo and style of sketch."""
    with Image.open(BytesIO(image)) as opened:
        rows = cells(opened, len(MOSAIC_COLUMNS))
    chosen = scores.iloc[evenly_spaced(len(scores), len(rows))]
    keys = zip(chosen["id"], chosen["sketch_style"], strict=True)
    return {key: dict(zip(MOSAIC_COLUMNS, row, strict=True)) for key, row in zip(keys, rows, strict=False)}


def curves(commit: str, file: Path) -> bool:
    """Plot training and validation losses of a commit and of the working folder; whether there are any."""
    figure, axes = plots.pyplot().subplots(1, len(CURVES), figsize=(10, 3), layout="constrained")
    shown = 0
    for axis, (name, window) in zip(axes, CURVES.items(), strict=True):
        path = LOSSES.format(name)
        now = Path(path).read_bytes() if Path(path).exists() else None
        for label, content in {"old": revisions.read(commit, path), "new": now}.items():
            if content is not None:
                table = revisions.table(content, sep="\t")
                smooth = table[name].rolling(window, min_periods=1).mean()
                axis.plot(table["step"], smooth, color=COLORS[label], label=label, marker="." * (window == 1))
                shown += 1
        axis.set(title=name.replace("_", " "), xlabel="step")
        if axis.lines:
            axis.legend()
    if shown:
        plots.save(figure, file)
    return shown > 0
