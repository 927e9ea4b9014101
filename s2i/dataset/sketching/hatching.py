"""Shading by strokes: parallel ones along surfaces, closer or crossed where it is dark."""

import numpy as np

from s2i.dataset.sketching.hand import Stroke, share
from s2i.dataset.sketching.scene import Scene

DIRECTIONS = 8  # that strokes along surfaces are rounded to
SHORTEST = 0.01  # stroke, share of the side
STEP = 2.0  # pixels of a scene between the places that are looked at


def hatching(
    where: np.ndarray, scene: Scene, angle: float, spacing: float, rng: np.random.Generator, longest: float = 0.3
) -> list[Stroke]:
    """Parallel strokes, each within one surface of a scene.

    where: (h, w), how dark in [0, 1]; a surface is hatched where it is above 0, pressed as hard as it says.
    angle: radians.  spacing, and longest, of a stroke, are shares of the side.
    """
    height, width = where.shape
    reach = np.hypot(height, width) / 2
    ahead = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-ahead[1], ahead[0]])
    apart = max(spacing * scene.side, 1.0)
    offsets = np.arange(-reach, reach, apart)
    offsets = offsets + rng.normal(0, 0.18 * apart, len(offsets))
    along = np.arange(-reach, reach, STEP)
    lean = rng.normal(0, 0.02, len(offsets))  # strokes are not quite parallel
    turned = ahead + lean[:, None] * across
    centre = np.array([width, height]) / 2
    x, y = (centre[k] + offsets[:, None] * across[k] + along[None] * turned[:, None, k] for k in (0, 1))
    columns, rows = x.round().astype(int), y.round().astype(int)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    columns, rows = columns.clip(0, width - 1), rows.clip(0, height - 1)
    dark = np.where(inside, where[rows, columns], 0)
    surface = np.where(dark > 0, scene.surfaces[rows, columns], 0)
    surface[:, [0, -1]] = 0
    changes = np.diff(surface, axis=1) != 0
    line, start = np.nonzero(changes & (surface[:, 1:] > 0))
    _, end = np.nonzero(changes & (surface[:, :-1] > 0))  # as many: every row begins and ends outside
    start = start + 1
    long = end - start >= SHORTEST * scene.side / STEP
    strokes = []
    for row, first, last in zip(line[long], start[long], end[long], strict=True):
        strokes += _strokes(np.stack([x[row], y[row]], 1), dark[row], first, last, longest, scene, rng)
    return strokes


def _strokes(
    points: np.ndarray, dark: np.ndarray, first: int, last: int, longest: float, scene: Scene, rng: np.random.Generator
) -> list[Stroke]:
    """Strokes from first to last along points (n, 2): a long way is gone in several, each bowed a little."""
    most = int(rng.uniform(0.4, 1) * longest * scene.side / STEP)
    strokes = []
    for start in range(first, last, most):
        stop = min(start + most + int(rng.integers(0, 3)), last)
        if stop - start < 2:
            continue
        places = np.rint(np.linspace(start, stop, 4)).astype(int)
        bow = np.sin(np.linspace(0, np.pi, 4))[:, None] * rng.normal(0, 0.4, 2)
        bowed = points[places] + bow + rng.normal(0, 0.3, (4, 2))
        pressure = dark[places] * rng.uniform(0.75, 1.0) * np.array([1, 1, 0.9, 0.6])
        strokes.append(Stroke(share(bowed, scene), pressure.clip(0, 1)))
    return strokes


def along_surfaces(
    where: np.ndarray, scene: Scene, spacing: float, rng: np.random.Generator, turn: float = 0.0, longest: float = 0.3
) -> list[Stroke]:
    """The same, on every surface along the lines around it that recede, or turned from these by radians."""
    bins = np.rint((scene.receding + turn) * DIRECTIONS / np.pi).astype(int) % DIRECTIONS
    strokes = []
    for direction in np.unique(bins):
        of_surfaces = np.where((bins == direction)[scene.surfaces], where, 0)
        if of_surfaces.any():
            angle = direction * np.pi / DIRECTIONS + rng.normal(0, 0.03)
            strokes += hatching(of_surfaces, scene, angle, spacing, rng, longest)
    return strokes


def scribbled(strokes: list[Stroke], scene: Scene, near: float) -> list[Stroke]:
    """Parallel strokes as one movement to and fro where the next of a surface is near; near: share of the side."""
    height, width = scene.tone.shape
    of_surface: dict[int, list[Stroke]] = {}
    for stroke in strokes:
        x, y = (stroke.points.mean(axis=0) * (width, height)).astype(int)
        of_surface.setdefault(scene.surfaces[y.clip(0, height - 1), x.clip(0, width - 1)], []).append(stroke)
    movements = []
    for together in of_surface.values():
        way = [together[0]]
        for stroke in together[1:]:
            back = Stroke(stroke.points[::-1], stroke.pressure[::-1]) if len(way) % 2 else stroke
            if np.hypot(*((back.points[0] - way[-1].points[-1]) * (width, height))) < near * scene.side:
                way.append(back)
            else:
                movements.append(way)
                way = [stroke]
        movements.append(way)
    return [
        Stroke(*(np.concatenate([getattr(one, part) for one in way]) for part in ("points", "pressure")))
        for way in movements
    ]
