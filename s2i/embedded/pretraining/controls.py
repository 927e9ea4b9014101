"""What the embedded ControlNet learns to follow: Canny edges and drawings of every render."""

import json
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.lib.format import open_memmap
from tqdm import tqdm

from s2i.core import cache
from s2i.core.files import write_json
from s2i.dataset.sketching import sketches
from s2i.embedded.pretraining import renders
from s2i.embedded.pretraining.params import Controls
from s2i.imaging import io

AT_ONCE = 256  # renders between two writes, so that an interrupted run goes on


def write(corpus: Path, target: Path, settings: Controls, seed: int) -> None:
    """Write target/controls.npy, (N, 1 + drawn, H, W) uint8, white lines on black: Canny edges, then drawings.

    Each render is drawn in some of the styles, so that all come up as often.  An interrupted run with the same renders,
    settings and code goes on where it stopped; any other begins anew.
    """
    target.mkdir(parents=True, exist_ok=True)
    array, progress = target / "controls.npy", target / "progress.json"
    made_by = cache.fingerprint(cache.folder_hash(corpus, (".jpg",)), settings.model_dump(), seed, cache.code(__name__))
    known = json.loads(progress.read_text(encoding="utf-8")) if progress.exists() and array.exists() else {}
    first = known["rows"] if known.get("made_by") == made_by else 0
    files = [file.absolute() for file in renders.files(corpus)]
    shape = (len(files), 1 + settings.drawn, *io.read(files[0]).shape[:2])
    controls = open_memmap(array, "r+") if first else open_memmap(array, "w+", np.uint8, shape)
    with tqdm(total=len(files), initial=first, desc="draw controls", unit="image") as bar:
        for start in range(first, len(files), AT_ONCE):
            chunk = range(start, min(start + AT_ONCE, len(files)))
            jobs = (delayed(_controls)(files[row], row, settings, seed) for row in chunk)
            for row, images in zip(chunk, Parallel(n_jobs=-1, return_as="generator")(jobs), strict=True):
                controls[row] = images
                bar.update()
            controls.flush()
            write_json(progress, {"made_by": made_by, "rows": chunk.stop})


def styles_of(row: int, settings: Controls, seed: int) -> list[str]:
    """The styles in which the render of a row is drawn."""
    return list(np.random.default_rng([seed, row]).permutation(settings.styles)[: settings.drawn])


def _controls(file: Path, row: int, settings: Controls, seed: int) -> np.ndarray:
    image = io.read(file)
    chosen = ["canny", *styles_of(row, settings, seed)]
    return np.stack([255 - sketches.draw_sketch(image, style, file.stem) for style in chosen])
