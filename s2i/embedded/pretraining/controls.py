"""What the embedded ControlNet learns to follow: Canny edges and drawings of every render."""

from functools import partial
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from numpy.lib.format import open_memmap
from tqdm import tqdm

from s2i.core.files import whole_file
from s2i.dataset.sketching import sketches
from s2i.embedded.pretraining import renders
from s2i.embedded.pretraining.params import Controls
from s2i.imaging import io

AT_ONCE = 256  # renders between two writes, so that an interrupted run goes on


def write(corpus: Path, target: Path, settings: Controls, seed: int) -> None:
    """Write target/controls.npy, (N, 1 + drawn, H, W) uint8, white lines on black: Canny edges, then drawings.

    Each render is drawn in some of the styles, so that all come up as often.  An interrupted run goes on where it
    stopped.
    """
    target.mkdir(parents=True, exist_ok=True)
    files = [file.absolute() for file in renders.files(corpus)]
    height, width = io.read(files[0]).shape[:2]
    part, done = target / ".controls.npy", target / ".done"
    begun = part.exists() and done.exists()
    shape = (len(files), 1 + settings.drawn, height, width)
    controls = open_memmap(part, "r+") if begun else open_memmap(part, "w+", np.uint8, shape)
    first = int(done.read_text()) if begun else 0
    with tqdm(total=len(files), initial=first, desc="draw controls", unit="image") as bar:
        for start in range(first, len(files), AT_ONCE):
            chunk = range(start, min(start + AT_ONCE, len(files)))
            jobs = (delayed(partial(_controls, settings=settings, seed=seed))(files[row], row) for row in chunk)
            for row, images in zip(chunk, Parallel(n_jobs=-1, return_as="generator")(jobs), strict=True):
                controls[row] = images
                bar.update()
            controls.flush()
            with whole_file(done) as draft:
                draft.write_text(str(chunk.stop))
    del controls
    part.rename(target / "controls.npy")
    done.unlink()


def styles_of(row: int, settings: Controls, seed: int) -> list[str]:
    """The styles in which the render of a row is drawn."""
    return list(np.random.default_rng([seed, row]).permutation(settings.styles)[: settings.drawn])


def _controls(file: Path, row: int, settings: Controls, seed: int) -> np.ndarray:
    image = io.read(file)
    chosen = ["canny", *styles_of(row, settings, seed)]
    return np.stack([255 - sketches.draw_sketch(image, style, file.stem) for style in chosen])
