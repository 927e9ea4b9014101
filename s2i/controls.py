"""What conditions the UNet beside the prompt."""

import numpy as np


def control_image(sketch: np.ndarray, flip: bool = False) -> np.ndarray:
    """The control image of a sketch: white lines on black, as edge and scribble ControlNets expect.

    sketch: (H, W) uint8, dark strokes on light paper.  Returns (H, W) uint8.
    """
    lines = 255 - sketch
    return np.ascontiguousarray(lines[:, ::-1] if flip else lines)
