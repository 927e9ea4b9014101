"""Walls with holes in them, in which windows and doors stand back."""

import itertools

import numpy as np

from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.shapes import Frame, Model, Panel, Span, Wall

EDGE = 0.02  # metres of wall that a hole leaves at the panel's edges


def raise_wall(model: Model, wall: Wall, z: Span, material: str = "wall", part: int | None = None) -> None:
    """A wall between two heights that openings can be cut into until `finish`."""
    part = model.part("wall") if part is None else part
    model.panels.append(Panel(part, material, wall.frame, (0.0, wall.length), z))


def cut(model: Model, frame: Frame, outline: np.ndarray) -> bool:
    """Cuts a hole with this `outline` (k, 2) into the wall that holds all of it; False where no wall does."""
    (u0, z0), (u1, z1) = outline.min(0), outline.max(0)
    for panel in reversed(model.panels):
        within = panel.u[0] + EDGE <= u0 and u1 <= panel.u[1] - EDGE and panel.z[0] <= z0 and z1 <= panel.z[1]
        if panel.frame == frame and within:
            panel.holes.append(outline)
            return True
    return False


def finish(model: Model) -> None:
    """Turns the walls raised so far into triangles, as a grid of cells without those that are holes."""
    for panel in model.panels:
        _add(model, panel)
    model.panels.clear()


def _add(model: Model, panel: Panel) -> None:
    brush = Brush(model, panel.part, panel.material, panel.frame)
    bounds = np.array([[*hole.min(0), *hole.max(0)] for hole in panel.holes]).reshape(-1, 4)
    us = np.unique(np.concatenate([panel.u, bounds[:, 0], bounds[:, 2]]))
    zs = np.unique(np.concatenate([panel.z, bounds[:, 1], bounds[:, 3]]))
    if panel.frame.radius is not None:
        steps = [np.linspace(a, b, _pieces(panel, b - a) + 1) for a, b in itertools.pairwise(us)]
        us = np.unique(np.concatenate(steps))
    u, z = (us[:-1] + us[1:]) / 2, (zs[:-1] + zs[1:]) / 2
    solid = np.ones((len(z), len(u)), bool)
    for u0, z0, u1, z1 in bounds:
        solid[np.ix_((z > z0) & (z < z1), (u > u0) & (u < u1))] = False
    row, column = np.nonzero(solid)
    first = row * len(us) + column
    quads = np.stack([first, first + 1, first + 1 + len(us), first, first + 1 + len(us), first + len(us)], 1)
    flat = np.stack(np.meshgrid(us, zs), -1).reshape(-1, 2)
    facet = model.facet()
    brush.add(brush.frame(_upright(flat)), flat, quads.reshape(-1, 3), facet)
    for hole in panel.holes:
        if len(hole) > 4:
            _spandrels(brush, hole, facet)


def _spandrels(brush: Brush, hole: np.ndarray, facet: int) -> None:
    """What stands between an arch and the oblong round it.  The arch runs from the right to the left."""
    (u0, _), (u1, top) = hole.min(0), hole.max(0)
    arch = hole[2:]
    apex = int(arch[:, 1].argmax())
    for corner, curve in (((u1, top), arch[: apex + 1]), ((u0, top), arch[apex:])):
        points = np.concatenate([[corner], curve])
        k = np.arange(1, len(curve))
        brush.add(brush.frame(_upright(points)), points, np.column_stack([np.zeros_like(k), k, k + 1]), facet)


def _upright(points: np.ndarray) -> np.ndarray:
    return np.column_stack([points[:, 0], np.zeros(len(points)), points[:, 1]])


def _pieces(panel: Panel, length: float) -> int:
    return panel.frame.pieces(length)
