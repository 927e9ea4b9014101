"""Bay windows."""

import itertools

from s2i.embedded.rendering import walls
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.openings import Opening, window
from s2i.embedded.rendering.shapes import Frame, Model, wall_between

REACH = 0.85  # metres that a bay stands out
CANT = 0.3  # share of a bay's width that each slanting side takes


def bay_window(model: Model, building: Building, frame: Frame, shape: Opening, storeys: int = 1) -> None:
    """A canted bay: walls from the ground up, three windows a storey, a little roof.

    shape: its middle, its floor, its width and the height of all its storeys.  The wall behind has to be straight.
    """
    u0, u1 = shape.span
    cant = shape.width * CANT
    outline = [(u0, 0.0), (u0 + cant, REACH), (u1 - cant, REACH), (u1, 0.0)]
    corners = frame([(u, out, 0.0) for u, out in outline])
    storey = shape.height / storeys
    head = shape.head - 0.25
    for (xa, ya, _), (xb, yb, _) in itertools.pairwise(corners):
        side = wall_between(xa, ya, xb, yb)
        walls.raise_wall(model, side, (0, head))
        for k in range(storeys):
            sill = shape.sill + k * storey + 0.75
            opening = Opening(side.length / 2, sill, side.length * 0.72, min(storey - 1.3, head - sill - 0.2))
            window(model, building, side.frame, opening, "sash" if building.style != "modern" else "single")
    roof = Brush.new(model, "roof", "roof", frame)
    eaves = [
        (u0 - 0.12, 0.0, head),
        (u0 + cant - 0.06, REACH + 0.12, head),
        (u1 - cant + 0.06, REACH + 0.12, head),
        (u1 + 0.12, 0.0, head),
    ]
    ridge = [
        (u0 + cant * 0.5, 0.0, head + 0.5),
        (u0 + cant, 0.0, head + 0.5),
        (u1 - cant, 0.0, head + 0.5),
        (u1 - cant * 0.5, 0.0, head + 0.5),
    ]
    for k in range(3):
        roof.sheet([eaves[k], eaves[k + 1], ridge[k + 1], ridge[k]])
    trim = roof.of("trim")
    low = [(u, out, head - 0.14) for u, out, _ in eaves]
    for k in range(3):
        trim.sheet([low[k], low[k + 1], eaves[k + 1], eaves[k]])
    trim.sheet(low)
