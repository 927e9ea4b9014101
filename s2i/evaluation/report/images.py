"""Two runs side by side, to be looked at: what they drew of the same sketches, and how they learned."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from s2i.evaluation.figures import MOSAIC_COLUMNS
from s2i.evaluation.report import revisions
from s2i.imaging import decoding, io, plots
from s2i.imaging.mosaics import cells, evenly_spaced, mosaic

AVERAGED_ROWS = {"loss": 20, "validation_loss": 1, "validation_error": 1}  # by curve
COLORS = {"old": "C0", "new": "C1"}
LOSSES_FILE = "metrics/train/plots/metrics/{}.tsv"


def write_mosaic(
    old: bytes | None, new: bytes | None, old_scores: pd.DataFrame, new_scores: pd.DataFrame, file: Path
) -> bool:
    """Write one mosaic of two, where they show the same sketches: sketch, old, new, target.  Returns whether they do.

    old, new: mosaic.png of two evaluations.  scores: their tables, a row an image in the order of the records.
    """
    if old is None or new is None:
        return False
    before, after = _examples(old, old_scores), _examples(new, new_scores)
    common = [key for key in after if key in before and before[key]["target"].shape == after[key]["target"].shape]
    if not common:
        return False
    columns = {
        "sketch": [after[key]["sketch"] for key in common],
        "old": [before[key]["fine-tuned"] for key in common],
        "new": [after[key]["fine-tuned"] for key in common],
        "target": [after[key]["target"] for key in common],
    }
    io.write_png(file, mosaic(columns))
    return True


def _examples(image: bytes, scores: pd.DataFrame) -> dict[tuple[str, str], dict[str, np.ndarray]]:
    """The images of a mosaic by column, for each photo and style of sketch."""
    with Image.open(BytesIO(image), formats=decoding.formats()) as opened:
        rows = cells(opened, len(MOSAIC_COLUMNS))
    chosen = scores.iloc[evenly_spaced(len(scores), len(rows))]
    keys = zip(chosen["id"], chosen["sketch_style"], strict=True)
    return {key: dict(zip(MOSAIC_COLUMNS, row, strict=True)) for key, row in zip(keys, rows, strict=False)}


def plot_curves(commit: str, file: Path) -> bool:
    """Plot training and validation losses of a commit and of the working folder.  Returns whether there are any."""
    figure, axes = plots.pyplot().subplots(1, len(AVERAGED_ROWS), figsize=(14, 3), layout="constrained")
    has_curves = False
    for axis, (name, window) in zip(axes, AVERAGED_ROWS.items(), strict=True):
        path = LOSSES_FILE.format(name)
        new = Path(path).read_bytes() if Path(path).exists() else None
        for label, content in {"old": revisions.read(commit, path), "new": new}.items():
            if content is not None:
                table = revisions.table(content, sep="\t")
                smooth = table[name].rolling(window, min_periods=1).mean()
                axis.plot(table["step"], smooth, color=COLORS[label], label=label, marker="." * (window == 1))
                has_curves = True
        axis.set(title=name.replace("_", " "), xlabel="step")
        if axis.lines:
            axis.legend()
    if has_curves:
        plots.save(figure, file)
    return has_curves
