"""Plots without a screen."""

from pathlib import Path

import numpy as np


def pyplot():
    """matplotlib's, which draws into files; importing it takes a second."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    return pyplot


def save(figure, file: Path, dpi: int = 120) -> None:
    """Write a figure as an image, and let go of it."""
    figure.savefig(file, dpi=dpi)
    pyplot().close(figure)


def image(figure) -> np.ndarray:
    """A figure as RGB (H, W, 3) uint8; it is let go of."""
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    pyplot().close(figure)
    return drawn
