"""Photos and images drawn of them, read with a sentence where one is missing or does not fit."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from s2i.core.errors import UserError
from s2i.imaging import io


def read(file: str) -> np.ndarray:
    """An image (H, W, 3) uint8; raises UserError when it is missing."""
    with _missing_explained(file):
        return io.read(Path(file))


def size(file: str) -> tuple[int, int]:
    """Its width and height; raises UserError when it is missing."""
    with _missing_explained(file):
        return io.size(Path(file))


def read_alike(file: str, photo: str) -> np.ndarray:
    """An image; raises UserError when it is missing or not as large as the photo."""
    sizes = size(file), size(photo)
    if sizes[0] != sizes[1]:
        own, wanted = (f"{width} x {height}" for width, height in sizes)
        raise UserError(f"{file} is {own} and its photo {photo} {wanted}: draw it in the photo's size.")
    return read(file)


def read_fitted(file: str, photo: str) -> np.ndarray:
    """The middle of another photo, in the size of the photo; raises UserError when one is missing."""
    return io.resize_and_crop(read(file), size(photo))


@contextmanager
def _missing_explained(file: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{file} is missing: run the stage that writes it again (dvc repro does).") from None
