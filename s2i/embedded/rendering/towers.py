"""Office towers with hundreds of windows, and hotels."""

import numpy as np

from s2i.embedded.rendering import blocks, facade, roofs, walls
from s2i.embedded.rendering.blocks import Mass
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.facade import Ledge
from s2i.embedded.rendering.glazing import Grid, curtain_wall
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.landmarks import terrace_railing
from s2i.embedded.rendering.openings import Opening, door, glass, pane, window
from s2i.embedded.rendering.shapes import Faces, Frame, Model, Wall
from s2i.embedded.rendering.tubes import tubes

LOBBY = 4.6  # metres, height of a tower's lowest storey
CANOPY_DEPTH = 2.6  # metres
PIER = 0.3  # metres that piers between windows stand out
FACADES = ("punched", "piers", "ribbons")


def office_tower(model: Model, building: Building, rng: np.random.Generator) -> None:
    """A lobby, many storeys alike, sometimes a narrower upper part, and a crown."""
    width = building.bays * building.bay_width * 0.82 + 0.8
    depth = width * float(rng.uniform(0.6, 0.95))
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    lower = building.storeys
    if "setback" in building.features:
        lower = round(building.storeys * float(rng.uniform(0.45, 0.75)))
    side_bays = max(3, round(building.bays * depth / width))
    _lobby(model, building, mass)
    top = _shaft(model, building, mass, (LOBBY, lower - 1), (building.bays, side_bays))
    if lower < building.storeys:
        roofs.flat(model, mass, top, "trim" if building.style == "american" else "wall", parapet=0.9)
        inset = building.bay_width * 0.82
        mass = blocks.oblong(-width / 2 + inset, width / 2 - inset, inset * 0.7, depth - inset * 0.7)
        bays = (max(3, building.bays - 2), max(2, side_bays - 1))
        top = _shaft(model, building, mass, (top, building.storeys - lower), bays)
    _crown(model, building, mass, top)


def _lobby(model: Model, building: Building, mass: Mass) -> None:
    """High shop windows between piers, the doors in the middle under a canopy."""
    part = model.part("wall")
    for wall in mass.walls:
        walls.raise_wall(model, wall, (0, LOBBY), "trim" if building.style == "american" else "slab", part)
    for number in (0, 1, 3):
        frame, length = mass.walls[number]
        count = max(2, round(length / 4.2))
        for k in range(count):
            u, size = length * (k + 0.5) / count, length / count - 0.7
            if number == 0 and k == count // 2:
                door(model, building, frame, Opening(u, 0.16, min(size, 2.6), 3.0))
                canopy = Brush.new(model, "roof", "charcoal", frame)
                canopy.box((u - 2.4, u + 2.4), (0, CANOPY_DEPTH), (3.5, 3.75))
                continue
            window(model, building, frame, Opening(u, 0.5, size, LOBBY - 1.3), "plain")


def _shaft(model: Model, building: Building, mass: Mass, storeys: tuple[float, int], bays: tuple[int, int]) -> float:
    """Storeys alike from a height up, (base, count), with (front, side) bays; returns the height they end at."""
    base, count = storeys
    top = base + count * building.storey_height
    blocks.raise_walls(model, mass, (base, top))
    for wall, columns in ((mass.walls[0], bays[0]), (mass.walls[1], bays[1]), (mass.walls[3], bays[1])):
        grid = Grid(count, columns, base)
        if building.glass:
            curtain_wall(model, building, wall, grid)
        else:
            _office_windows(model, building, wall, grid)
    return top


def _office_windows(model: Model, building: Building, wall: Wall, grid: Grid) -> None:
    """Windows of one kind all over: holes, between piers that rise all the way, or in ribbons."""
    frame, length = wall
    kind = "punched" if building.style == "american" else FACADES[building.seed % 3]
    storey, pitch = building.storey_height, length / grid.bays
    width = {"punched": 0.56, "piers": 0.72, "ribbons": 1.0}[kind] * pitch
    for j in range(grid.storeys):
        for i in range(grid.bays):
            opening = Opening((i + 0.5) * pitch, grid.base + j * storey + 0.85, width, storey * 0.56)
            if kind == "ribbons":
                glazing = Brush.new(model, "window", glass(model, building), frame)
                pane(glazing, Opening(opening.u, opening.sill, pitch - 0.1, opening.height), "flat", 0.02)
            else:
                window(model, building, frame, opening, "sash" if building.style == "american" else "plain")
    top = grid.base + grid.storeys * storey
    bars = Brush.new(model, "wall", "charcoal" if kind == "ribbons" else "wall", frame)
    if kind == "piers":
        half = (pitch - width) / 2 - 0.08
        bars.boxes([(i * pitch - half, i * pitch + half, 0, PIER, grid.base, top) for i in range(grid.bays + 1)])
    if kind == "ribbons":
        sills = [grid.base + j * storey + 0.85 for j in range(grid.storeys)]
        bars.boxes(
            [
                (i * pitch - 0.05, i * pitch + 0.05, 0, 0.06, z, z + storey * 0.56)
                for z in sills
                for i in range(grid.bays + 1)
            ]
        )
        bars.boxes([(0, length, 0, 0.12, z - 0.08, z) for z in sills])


def _crown(model: Model, building: Building, mass: Mass, top: float) -> None:
    """A cornice or parapet, plant rooms, a mast."""
    x0, x1, y0, y1 = mass.extent
    if building.style == "american":
        facade.band(model, "trim", mass.walls, (top - 1.0, top - 0.7), 0.25)
        facade.band(model, "trim", mass.walls, (top, top + 0.7), 0.8)
    roofs.flat(model, mass, top, "steel" if building.glass else "wall", parapet=1.2)
    plant = Brush.new(model, "roof", "galvanised", Frame((x0 + x1) / 2, (y0 + y1) / 2))
    span = (x1 - x0) * 0.28
    plant.box((-span, span * 0.6), (-2.5, 2.0), (top, top + 3.2), Faces.BOTTOM)
    if building.seed % 3 == 0:
        tubes(plant, [(span * 0.8, 0, top)], [(span * 0.8, 0, top + 9.0)], [0.16], [0.05])


def hotel(model: Model, building: Building, rng: np.random.Generator) -> None:
    """Rooms with balconies over a lobby with a canopy; older ones end in a mansard or a cornice."""
    width = building.bays * building.bay_width + 1.0
    depth = float(np.clip(width * 0.5, 9.0, 14.0))
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    storey, base = building.storey_height, 4.2
    rooms = Grid(building.storeys - 1, building.bays, base)
    eaves = base + rooms.storeys * storey
    blocks.raise_walls(model, mass, (0, eaves))
    _hotel_entrance(model, building, mass.walls[0], base)
    _rooms(model, building, mass.walls[0], rooms)
    for wall in (mass.walls[1], mass.walls[3]):
        blocks.openings(model, building, wall, Grid(rooms.storeys, 3, base))
    facade.band(model, "trim", mass.walls, (base - 0.25, base + 0.1), 0.15)
    if building.style == "neoclassical":
        facade.band(model, "trim", mass.walls, (eaves - 0.2, eaves + 0.3), 0.45)
    roofs.close(model, building, mass, eaves + 0.2, rng)
    if "roof terrace" in building.features and building.roof == "flat":
        terrace_railing(model, mass, eaves + 0.2)


def _hotel_entrance(model: Model, building: Building, wall: Wall, base: float) -> None:
    frame, length = wall
    middle, count = length / 2, building.bays
    for k in range(count):
        u = length * (k + 0.5) / count
        if abs(u - middle) > length / count * 0.6:
            window(
                model,
                building,
                frame,
                Opening(u, 0.7, length / count * 0.7, 2.6),
                "plain" if building.style == "modern" else "arched",
            )
    door(model, building, frame, Opening(middle, 0.16, 2.2, 2.9))
    canopy = Brush.new(model, "roof", "paint", frame)
    canopy.box((middle - 2.8, middle + 2.8), (0, 3.4), (3.4, 3.75))
    canopy.of("white").box((middle - 2.8, middle + 2.8), (3.4, 3.46), (3.38, 3.78))
    for u in (middle - 2.5, middle + 2.5):
        facade.column(model, frame, (u, 3.0), (0, 3.4), 0.13)


def _rooms(model: Model, building: Building, wall: Wall, grid: Grid) -> None:
    frame, length = wall
    pitch, storey = length / grid.bays, building.storey_height
    for j in range(grid.storeys):
        for i in range(grid.bays):
            u, floor = (i + 0.5) * pitch, grid.base + j * storey
            if building.balconies and (building.style == "modern" or i % 2 == building.seed % 2):
                window(model, building, frame, Opening(u, floor + 0.05, pitch * 0.6, 2.3))
                facade.balcony(model, building, frame, Ledge(u, floor, pitch * 0.84, 1.3))
            else:
                window(model, building, frame, Opening(u, floor + 0.8, pitch * 0.48, storey * 0.58))
