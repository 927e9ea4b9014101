"""Blocks that buildings are put together from: walls with their openings."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from s2i.embedded.rendering import facade, walls
from s2i.embedded.rendering.bays import bay_window
from s2i.embedded.rendering.facade import Ledge
from s2i.embedded.rendering.glazing import Grid, curtain_wall
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.openings import Opening, door, window
from s2i.embedded.rendering.shapes import Frame, Model, Span, Wall, wall_between

SILL = 0.9  # metres above the floor
# Height of a window as a share of its storey, and its width as a share of its bay.
TALL = {"neoclassical": 0.56, "gothic": 0.66, "modern": 0.5}
WIDE = {"modern": 0.62, "gothic": 0.46, "rural": 0.4, "american": 0.42}
WIDEST = 1.9  # metres


@dataclass(frozen=True)
class Mass:
    """A block that stands on the ground: its walls, front first, and its outline (k, 2) seen from above, in metres."""

    walls: list[Wall]
    outline: np.ndarray

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """x0, x1, y0, y1 in metres."""
        (x0, y0), (x1, y1) = self.outline.min(0), self.outline.max(0)
        return float(x0), float(x1), float(y0), float(y1)


def oblong(x0: float, x1: float, y0: float, y1: float) -> Mass:
    """A block on an oblong, in metres."""
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    walls = [wall_between(*here, *there) for here, there in zip(corners, corners[1:] + corners[:1], strict=True)]
    return Mass(walls, np.array(corners, float))


def drum(x: float, y: float, radius: float) -> Mass:
    """A round block; its one wall begins and ends at the back."""
    angles = np.linspace(0, 2 * np.pi, 49)[:-1]
    outline = np.column_stack([x + radius * np.sin(angles), y - radius * np.cos(angles)])
    return Mass([Wall(Frame(x, y, -np.pi, radius), 2 * np.pi * radius)], outline)


def bow(width: float, depth: float) -> Mass:
    """An oblong whose front swells towards the street."""
    radius = width * 0.62
    half = np.arcsin(width / 2 / radius)
    centre = radius * np.cos(half)
    front = Frame(0.0, centre, -half, radius)
    length = 2 * half * radius
    arc = front([(u, 0, 0) for u in np.linspace(0, length, 15)])[:, :2]
    back = oblong(-width / 2, width / 2, 0, depth).walls[1:]
    return Mass([Wall(front, length), *back], np.concatenate([arc, [(width / 2, depth), (-width / 2, depth)]]))


def facing(radius: float, degrees: float) -> Span:
    """The stretch of a drum's wall that lies `degrees` about its front."""
    turn = np.radians(degrees)
    return np.pi * radius - turn * radius / 2, turn * radius


def footprint(building: Building, depth: float | None = None) -> tuple[float, float]:
    """Width and depth of a building in metres, as its bays say."""
    width = building.bays * building.bay_width + 0.8
    return width, depth or float(np.clip(width * 0.7, 6.0, 9.0))


def raise_walls(model: Model, mass: Mass, z: Span) -> None:
    """Bare walls between two heights."""
    part = model.part("wall")
    for wall in mass.walls:
        walls.raise_wall(model, wall, z, part=part)


def openings(model: Model, building: Building, wall: Wall, grid: Grid) -> None:
    """Rows of windows on one wall, a door, balconies on upper storeys."""
    frame, length = wall
    start, run = grid.arc or (0.0, length)
    storey, pitch = building.storey_height, run / grid.bays
    tall = TALL.get(building.style, 0.5) * storey
    wide = min(WIDE.get(building.style, 0.44) * pitch, WIDEST)
    for j in range(grid.storeys):
        floor = grid.base + j * storey
        for i in range(grid.bays):
            u = start + (i + 0.5) * pitch
            if (j, i) in grid.skip:
                continue
            if j == 0 and i == grid.entrance:
                door(model, building, frame, Opening(u, grid.base, min(1.4, pitch * 0.6), min(2.4, storey * 0.76)))
            elif j > 0 and i in grid.balconies:
                kind = None if building.style != "rural" else "sash"
                window(model, building, frame, Opening(u, floor + 0.05, wide, 2.3), kind)
                facade.balcony(model, building, frame, Ledge(u, floor, pitch * 0.86, depth=1.3))
            else:
                window(model, building, frame, Opening(u, floor + SILL, wide, tall))


def balcony_bays(building: Building, bays: int) -> Collection[int]:
    """The bays of the front that have balconies."""
    if not building.balconies:
        return ()
    if building.structure in ("house", "mansion", "townhouse"):
        return (bays // 2,)
    return range(0, bays, 2) if building.seed % 2 else range(bays)


def block(model: Model, building: Building, mass: Mass, front: Grid, side_bays: int = 2) -> float:
    """Walls, plinth, openings and string courses of a plain block; returns the height of its eaves in metres."""
    base, storey = front.base, building.storey_height
    eaves = base + front.storeys * storey
    raise_walls(model, mass, (0, eaves))
    facade.band(model, "kerb", mass.walls, (0, base), 0.12)
    fill = curtain_wall if building.glass else openings
    fill(model, building, mass.walls[0], front)
    if front.arc is None:
        for wall in (mass.walls[1], mass.walls[-1]):
            fill(model, building, wall, Grid(front.storeys, side_bays, base))
    if building.style == "neoclassical":
        facade.band(model, "trim", mass.walls, (base + storey - 0.1, base + storey + 0.08), 0.1)
        if front.arc is None and building.seed % 2:
            for wall in mass.walls:
                facade.quoins(model, wall, (base, eaves))
    return eaves


def front_of(building: Building, base: float, arc: Span | None = None, entrance: int | None = None) -> Grid:
    """The openings of the front: the building's storeys and bays, one more bay round an arc, the door in the middle."""
    bays = building.bays if arc is None else building.bays + 1
    entrance = building.bays // 2 if entrance is None else entrance
    bay = bay_of(building, entrance)
    return Grid(
        building.storeys,
        bays,
        base,
        entrance,
        balcony_bays(building, bays),
        arc,
        skip=[(0, bay)] if bay is not None else (),
    )


def bay_of(building: Building, entrance: int) -> int | None:
    """Which bay of the front has a bay window at the ground, if any."""
    if "bay" not in building.features or "porch" in building.features:
        return None
    return building.bays - 1 if entrance == 0 else 0


def add_bay_window(model: Model, building: Building, front: Wall, grid: Grid) -> None:
    """The bay window that the grid has left room for, if any."""
    for _, bay in grid.skip:
        pitch = front.length / grid.bays
        shape = Opening((bay + 0.5) * pitch, grid.base, pitch * 0.86, building.storey_height)
        bay_window(model, building, front.frame, shape)
