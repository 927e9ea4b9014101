"""Curtain walls: panes between mullions, storey upon storey."""

from collections.abc import Collection
from dataclasses import dataclass, field

from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.openings import Opening, door, pane
from s2i.embedded.rendering.shapes import Model, Span, Wall

MULLION = 0.07  # metres, half its width
SLAB = 0.45  # metres of opaque glass before each floor


@dataclass(frozen=True)
class Grid:
    """Storeys and bays of openings on a wall.

    `base` is the lowest floor in metres; `entrance` the bay of the door; `balconies` the bays that have them above;
    `arc` the stretch of the wall that carries openings, by default all; `skip` the (storey, bay) pairs that something
    else takes.
    """

    storeys: int
    bays: int
    base: float
    entrance: int | None = None
    balconies: Collection[int] = field(default=())
    arc: Span | None = None
    skip: Collection[tuple[int, int]] = field(default=())


def curtain_wall(model: Model, building: Building, wall: Wall, grid: Grid) -> None:
    """One large pane a bay and storey between thin mullions, opaque glass before the floors."""
    frame, length = wall
    start, run = grid.arc or (0.0, length)
    storey, pitch = building.storey_height, run / grid.bays
    for j in range(grid.storeys):
        for i in range(grid.bays):
            u, floor = start + (i + 0.5) * pitch, grid.base + j * storey
            if j == 0 and i == grid.entrance:
                door(model, building, frame, Opening(u, grid.base, min(1.8, pitch - 0.3), 2.5))
                continue
            material = "tinted" if building.day.light != "evening" or model.rng.random() < 0.7 else "lit pane"
            glass = Brush.new(model, "window", material, frame)
            pane(glass, Opening(u, floor + SLAB, pitch - 2 * MULLION, storey - SLAB), "flat", 0.05)
    slabs = Brush.new(model, "wall", "spandrel", frame)
    levels = [grid.base + j * storey for j in range(grid.storeys + 1)]
    for z in levels[:-1]:
        slabs.panel((start, start + run), (z, z + SLAB), 0.045)
    top = levels[-1]
    uprights = [start + i * pitch for i in range(grid.bays + 1)]
    steel = Brush.new(model, "wall", "steel" if building.seed % 2 else "charcoal", frame)
    bars = [(u - MULLION, u + MULLION, 0, 0.16, grid.base, top) for u in uprights]
    if building.bays < 8:  # a finer grid divides larger panes
        bars += [(u + pitch / 2 - 0.03, u + pitch / 2 + 0.03, 0, 0.1, grid.base, top) for u in uprights[:-1]]
    steel.boxes(bars)
    if frame.radius is None:
        steel.boxes([(start, start + run, 0, 0.1, z - 0.04, z + 0.04) for z in levels])
        steel.boxes([(start, start + run, 0, 0.1, z + SLAB - 0.03, z + SLAB + 0.03) for z in levels[:-1]])
        return
    for z in levels:
        steel.box((start, start + run), (0, 0.1), (z - 0.04, z + 0.04))
