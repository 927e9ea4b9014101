"""Does an image, sketched again, give back the sketch that it was drawn from?"""

import numpy as np

from s2i.metrics.pixels import ssim
from s2i.metrics.structure import edge_f1

INK_THRESHOLD = 128  # darker than this is a stroke


def resketch_consistency(resketched: np.ndarray, sketch: np.ndarray) -> dict[str, float]:
    """{"resketch_ssim", "resketch_f1"}: SSIM of two sketches, and F1 of their strokes, see `edge_f1`; 1 for equal ones.

    resketched, sketch: (H, W) uint8, dark strokes on white, in the same style and by the same hand.
    Source: the cycle consistency of Li et al., "ControlNet++: improving conditional controls with efficient consistency
    feedback", ECCV 2024.
    """
    f1 = edge_f1(strokes(resketched), strokes(sketch))
    return {"resketch_ssim": ssim(resketched, sketch), "resketch_f1": f1}


def strokes(sketch: np.ndarray) -> np.ndarray:
    """Where a sketch (H, W) uint8 is inked: (H, W) uint8, 255 or 0."""
    return (sketch < INK_THRESHOLD).astype(np.uint8) * 255
