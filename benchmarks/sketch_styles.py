"""Every style of sketch on twelve photos: python benchmarks/sketch_styles.py -> docs/sketch-styles.csv, docs/images

The rows of an image are the levels of abstraction, fine, middle and gist, for the styles that have them.  The table has
how strokes agree with Canny's edges of the photo, within 2 pixels of 256, and processor seconds a photo.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from s2i.core import cache
from s2i.dataset.sketching import sketches
from s2i.dataset.sketching.scene import LEVELS
from s2i.dataset.sketching.styles import DRAWN, STYLES
from s2i.imaging import edges, io, mosaics
from s2i.metrics.structure import edge_f1
from s2i.networks import weights

PROJECT = Path(__file__).parent.parent
COLUMNS, SIDE = 4, 256


def main(folder: Path, docs: Path) -> None:
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in io.readable())
    chosen = [files[index] for index in np.linspace(0, len(files) - 1, COLUMNS * len(LEVELS)).round().astype(int)]
    photos = {cache.file_hash(file): io.resize_and_crop(io.read_photo(file, 178), SIDE) for file in chosen}
    (docs / "images").mkdir(exist_ok=True)
    _write(docs, "photos", list(photos.values()))
    rows = []
    for style in STYLES:
        if style == "hed" and not weights.is_at_hand("hed_bsds500.weights.h5"):
            continue
        shown = [
            sketches.draw_sketch(photo, style, id, tuple(LEVELS)[index // COLUMNS])
            for index, (id, photo) in enumerate(photos.items())
        ]
        _write(docs, style, shown)
        rows += [_figures(style, level, photos) for level in (LEVELS if style in DRAWN else ("",))]
    pd.DataFrame(rows).to_csv(docs / "sketch-styles.csv", index=False, float_format="%.3g")


def _figures(style: str, level: str, photos: dict[str, np.ndarray]) -> dict:
    began = time.process_time()
    drawn = [sketches.draw_sketch(photo, style, id, level or "mixed") for id, photo in photos.items()]
    seconds = (time.process_time() - began) / len(drawn)
    pairs = zip(drawn, photos.values(), strict=True)
    f1s = [edge_f1(_strokes(one), edges.canny(photo), tolerance=2) for one, photo in pairs]
    return {"style": style, "abstraction": level, "edge_f1": np.mean(f1s), "seconds": seconds}


def _strokes(sketch: np.ndarray) -> np.ndarray:
    """Darker than half between paper and the darkest stroke, 255 or 0."""
    sheet, darkest = np.percentile(sketch, (90, 1))
    return (sketch < (sheet + darkest) / 2).astype(np.uint8) * 255


def _write(docs: Path, name: str, images: list[np.ndarray]) -> None:
    io.write_jpg(docs / "images" / f"sketch-{name}.jpg", mosaics.grid(images, COLUMNS), quality=70)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else PROJECT / "data" / "photos" / "photos", PROJECT / "docs")
