"""Porches along a front: floor, columns, railing, steps and a lean-to roof."""

import itertools

from s2i.embedded.rendering import facade
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.metalwork import railing, steps
from s2i.embedded.rendering.openings import Opening
from s2i.embedded.rendering.shapes import Faces, Frame, Model, Wall

DEPTH = 2.0  # metres
OPEN = 0.85  # metres to both sides of the door without a railing


def porch(model: Model, building: Building, front: Wall, base: float) -> None:
    """A porch as wide as the front, on a floor `base` metres high."""
    frame, width = front
    head = base + building.storey_height - 0.5
    floor = Brush.new(model, "wall", "kerb", frame)
    floor.box((0, width), (0, DEPTH), (0, base), Faces.BOTTOM | Faces.INSIDE)
    count = building.bays + 1
    middle = width * (building.bays // 2 + 0.5) / building.bays
    posts = [0.25 + (width - 0.5) * k / (count - 1) for k in range(count)]
    for at in posts:
        facade.column(model, frame, (at, DEPTH - 0.25), (base, head), 0.13)
    rail = Brush.new(model, "railing", "white", frame)
    for u0, u1 in itertools.pairwise(posts):
        if not u0 < middle < u1:
            railing(rail, [(u0 + 0.15, DEPTH - 0.25, base), (u1 - 0.15, DEPTH - 0.25, base)], height=0.85, spacing=0.15)
    edge = Frame(frame.x, frame.y - DEPTH, frame.angle)
    steps(model, building, edge, Opening(middle, base, 1.3, 2.0))
    floor.of("trim").box((0, width), (DEPTH - 0.4, DEPTH - 0.1), (head, head + 0.25))
    _roof(model, front, head)


def _roof(model: Model, front: Wall, head: float) -> None:
    frame, width = front
    roof = Brush.new(model, "roof", "roof", frame)
    low, high, over, out = head + 0.25, head + 0.75, 0.3, DEPTH + 0.3
    roof.sheet([(-over, 0, high), (width + over, 0, high), (width + over, out, low), (-over, out, low)])
    trim = roof.of("trim")
    trim.box((-over, width + over), (out - 0.06, out + 0.02), (low - 0.16, low + 0.03))
    for u in (0.0, width):
        trim.sheet([(u, 0, head), (u, DEPTH, head), (u, DEPTH, low + 0.05), (u, 0, high)])
