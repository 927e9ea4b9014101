"""Whether a generated building stands as the target does: its edges and the number of its windows."""

import cv2
import numpy as np

from s2i.edges import canny


def edge_f1(generated: np.ndarray, target: np.ndarray, tolerance: float = 2) -> float:
    """Agreement of the edges, from 0 to 1: 1 if each edge of either picture is within tolerance pixels of the other's.

    generated, target: pictures (H, W, 3) uint8 RGB, or edge maps (H, W) uint8.  Two pictures without edges agree.
    Source: boundary F-measure of Martin, Fowlkes and Malik, 2004, with a distance transform for their matching.
    """
    generated, target = (picture if picture.ndim == 2 else canny(picture) for picture in (generated, target))
    if not generated.any() or not target.any():
        return float(generated.any() == target.any())
    precision, recall = _share_near(generated, target, tolerance), _share_near(target, generated, tolerance)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _share_near(edges: np.ndarray, others: np.ndarray, tolerance: float) -> float:
    """Share of the pixels of edges that lie within tolerance of a pixel of others."""
    distance = cv2.distanceTransform((others == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return float((distance[edges > 0] <= tolerance).mean())
