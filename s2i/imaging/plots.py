"""Plots without a screen."""

from pathlib import Path
from typing import Any

import numpy as np


def pyplot() -> Any:
    """matplotlib.pyplot, drawing into files and not on a screen; importing it takes a second."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


def save(figure: Any, file: Path, dpi: int = 120) -> None:
    """Write a matplotlib figure as an image of so many dots an inch, and close it."""
    figure.savefig(file, dpi=dpi)
    pyplot().close(figure)


def image(figure: Any) -> np.ndarray:
    """A matplotlib figure as an image (H, W, 3) uint8; it is closed."""
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    pyplot().close(figure)
    return pixels
