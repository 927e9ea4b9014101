"""A contact sheet: photos, and beside each its sketches in all styles."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from s2i.core.params import Pair, Workers
from s2i.dataset.sketching import sketches
from s2i.dataset.sketching.styles import TRACED
from s2i.imaging import io, shapes
from s2i.imaging.mosaics import mosaic
from s2i.networks import weights

MAX_SIDE = 256  # pixels of an image on the sheet


def in_every_style(records: Sequence[dict], folder: Path, workers: Workers) -> Sequence[dict]:
    """The records with a sketch in every style that traces photos and needs no download, some drawn into a folder."""
    styles = [style for style in TRACED if style != "hed" or weights.is_at_hand("hed_bsds500.weights.h5")]
    if not (missing := [style for style in styles if style not in records[0]["sketches"]]):
        return records
    with_missing = sketches.pair(records, folder, Pair.model_validate({"styles": missing}), workers)
    return [
        record | {"sketches": record["sketches"] | others["sketches"]}
        for record, others in zip(records, with_missing, strict=True)
    ]


def contact_sheet(records: Sequence[dict]) -> np.ndarray:
    """One row a photo, (H, W, 3) uint8; where a photo lacks a style, the sheet stays white."""
    columns = {"photo": [io.read(Path(record["photo"])) for record in records]}
    side = min(MAX_SIDE, max(columns["photo"][0].shape))
    blank = np.full((side, side), 255, np.uint8)
    for style in sorted({style for record in records for style in record["sketches"]}):
        paths = [record["sketches"].get(style) for record in records]
        columns[style] = [io.read_grey(Path(path)) if path else blank for path in paths]
    return mosaic({name: [shapes.fit(image, side) for image in column] for name, column in columns.items()})
