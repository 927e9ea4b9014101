"""Straight tubes between points: rails, poles, branches, braces."""

from collections.abc import Sequence

import numpy as np

from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.shapes import Points


def tubes(
    brush: Brush,
    starts: Points,
    ends: Points,
    radii: Sequence[float],
    end_radii: Sequence[float] | None = None,
    sides: int = 6,
) -> None:
    """Tubes from each start to each end (n, 3), in metres of the brush's frame, all one facet.

    They are as thick at the end as at the start unless `end_radii` says otherwise.
    """
    starts, ends = (brush.frame(points) for points in (starts, ends))
    thick = np.asarray(radii, float)
    thick_at_end = thick if end_radii is None else np.asarray(end_radii, float)
    along = ends - starts
    length = np.linalg.norm(along, axis=1, keepdims=True)
    along = along / np.maximum(length, 1e-9)
    helper = np.where(np.abs(along[:, 2:]) > 0.9, (1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    first = np.cross(along, helper)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second = np.cross(along, first)
    angles = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = first[:, None] * np.cos(angles)[:, None] + second[:, None] * np.sin(angles)[:, None]  # (n, sides, 3)
    low = starts[:, None] + ring * thick[:, None, None]
    high = ends[:, None] + ring * thick_at_end[:, None, None]
    k, after = np.arange(sides), (np.arange(sides) + 1) % sides
    quads = np.stack([k, after, after + sides, k, after + sides, k + sides], 1).reshape(-1, 3)
    faces = (2 * sides * np.arange(len(starts)))[:, None, None] + quads
    turned = np.broadcast_to(angles * thick.mean(), (len(starts), sides))
    uv = np.stack([np.tile(turned, 2), np.repeat([[0.0, 1.0]], sides, 1).repeat(len(starts), 0) * length], -1)
    brush.add(np.concatenate([low, high], 1).reshape(-1, 3), uv.reshape(-1, 2), faces.reshape(-1, 3))
