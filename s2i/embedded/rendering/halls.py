"""Halls and sheds of sheet metal: few openings, large doors."""

import numpy as np

from s2i.embedded.rendering import blocks, facade
from s2i.embedded.rendering.blocks import Mass
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.openings import Opening, door, glass, pane
from s2i.embedded.rendering.roofs import gabled
from s2i.embedded.rendering.shapes import Frame, Model, Wall
from s2i.embedded.rendering.tubes import tubes

HALL_EAVES = (5.5, 8.5)  # metres
SHED_EAVES = (3.0, 4.0)  # metres
BAY = 4.2  # metres, of a hall; of a shed three quarters of it
SHEET_THICKNESS = 0.12  # metres, of a roof


def hall(model: Model, building: Building, rng: np.random.Generator) -> None:
    """A wide hall, its long side to the street, with sliding doors and a band of windows below the eaves."""
    width, depth = building.bays * BAY, float(rng.uniform(14, 20))
    eaves = float(rng.uniform(*HALL_EAVES))
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    _shell(model, mass, eaves)
    front_gable = building.roof == "barrel" or building.seed % 2 == 0
    if building.roof == "barrel":
        _barrel(model, mass, eaves)
    else:
        gabled(model, mass, eaves, (width if front_gable else depth) * 0.12, front_gable, overhang=0.2)
    doors = (0.3, 0.7) if building.bays > 5 else (0.5,)
    front = mass.walls[0]
    for share in doors:
        _sliding_door(model, front.frame, Opening(front.length * share, 0.05, 4.0, min(4.4, eaves - 1.2)))
    door(model, building, front.frame, Opening(front.length * 0.1, 0.16, 1.1, 2.2))
    for wall in (front, mass.walls[1], mass.walls[3]):
        _window_band(model, building, wall, eaves)
    if front_gable:
        _gable_vents(model, front, eaves)
    _downpipes(model, mass, eaves)


def shed(model: Model, building: Building, rng: np.random.Generator) -> None:
    """A small workshop with double doors, under a low gable or a sawtooth roof."""
    width, depth = building.bays * BAY * 0.75, float(rng.uniform(6, 9))
    eaves = float(rng.uniform(*SHED_EAVES))
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    _shell(model, mass, eaves)
    if building.roof == "sawtooth":
        _sawtooth(model, building, mass, eaves)
    else:
        gabled(model, mass, eaves, width * 0.2, front_gable=True, overhang=0.25)
    frame, length = mass.walls[0]
    at = length * (0.5 if building.bays == 2 else 0.32)
    _sliding_door(model, frame, Opening(at, 0.05, 2.6, 2.5))
    for k in range(building.bays - 1):
        u = at + 2.6 + k * 2.2
        if u < length - 0.9:
            _plain_window(model, building, frame, Opening(u, 1.2, 1.5, 1.0))
    for wall, run in (mass.walls[1], mass.walls[3]):
        for k in range(3):
            _plain_window(model, building, wall, Opening(run * (k + 0.5) / 3, 1.3, 1.4, 0.9))


def _shell(model: Model, mass: Mass, eaves: float) -> None:
    blocks.raise_walls(model, mass, (0, eaves))
    facade.band(model, "raw concrete", mass.walls, (0, 0.4), 0.04)
    trim = Brush.new(model, "wall", "trim")
    for frame, length in mass.walls:
        trim.on(frame).boxes(
            [(-0.05, 0.1, -0.05, 0.05, 0.4, eaves), (length - 0.1, length + 0.05, -0.05, 0.05, 0.4, eaves)]
        )


def _plain_window(model: Model, building: Building, frame: Frame, opening: Opening) -> None:
    """A pane in a frame of metal, flush with the sheet."""
    glazing = Brush.new(model, "window", glass(model, building), frame)
    pane(glazing, opening, "flat", 0.03)
    (u0, u1), z0, z1 = opening.span, opening.sill, opening.head
    edges = [(u0 - 0.06, u1 + 0.06, 0, 0.07, z, z + 0.07) for z in (z0 - 0.06, z1)]
    edges += [(u - 0.03, u + 0.03, 0, 0.07, z0, z1) for u in (u0 - 0.03, opening.u, u1 + 0.03)]
    glazing.of("trim").boxes(edges)


def _window_band(model: Model, building: Building, wall: Wall, eaves: float) -> None:
    frame, length = wall
    count = max(3, round(length / 2.4))
    for k in range(count):
        _plain_window(
            model, building, frame, Opening(length * (k + 0.5) / count, eaves - 1.15, length / count - 0.4, 0.75)
        )


def _sliding_door(model: Model, frame: Frame, opening: Opening) -> None:
    """Two leaves of ribbed sheet that hang from a rail."""
    leaf = Brush.new(model, "door", "door", frame)
    (u0, u1), z0, z1 = opening.span, opening.sill, opening.head
    for low, high in ((u0, opening.u - 0.02), (opening.u + 0.02, u1)):
        leaf.box((low, high), (0.02, 0.12), (z0, z1))
    ribs = np.arange(u0 + 0.12, u1 - 0.05, 0.28)
    leaf.boxes([(u, u + 0.08, 0.12, 0.15, z0 + 0.1, z1 - 0.1) for u in ribs])
    steel = leaf.of("charcoal")
    steel.boxes([(u0 - 0.4, u1 + 0.4, 0, 0.2, z1, z1 + 0.16)])
    steel.boxes([(u, u + 0.06, 0.12, 0.17, z0, z1) for u in (u0, opening.u - 0.08, opening.u + 0.02, u1 - 0.06)])


def _barrel(model: Model, mass: Mass, eaves: float) -> None:
    """A segment of a circle over the whole width."""
    x0, x1, y0, y1 = mass.extent
    half, rise = (x1 - x0) / 2, (x1 - x0) * 0.16
    radius = (half**2 + rise**2) / (2 * rise)
    span = np.arcsin(half / radius)
    angles = np.linspace(-span, span, 21)
    across, up = radius * np.sin(angles), eaves + rise - radius * (1 - np.cos(angles))
    frame, depth = Frame(0.0, y0), y1 - y0
    gable = Brush.new(model, "wall", "wall", frame)
    for out in (0.0, -depth):
        gable.plate(np.column_stack([across, up]), out)
    roof = Brush.new(model, "roof", "roof", frame)
    facet = model.facet()
    for (u0, z0), (u1, z1) in zip(zip(across, up, strict=True), list(zip(across, up, strict=True))[1:], strict=False):
        for lift in (0.03, 0.03 + SHEET_THICKNESS):
            roof.sheet(
                [
                    (u0, 0.3, z0 + lift),
                    (u0, -depth - 0.3, z0 + lift),
                    (u1, -depth - 0.3, z1 + lift),
                    (u1, 0.3, z1 + lift),
                ],
                facet,
            )
    edge = np.concatenate([np.column_stack([across, up + 0.03]), np.column_stack([across, up + 0.2])[::-1]])
    for k in range(20):
        quad = [edge[k], edge[k + 1], edge[40 - k], edge[41 - k]]
        roof.of("trim").sheet([(u, 0.3, z) for u, z in quad])


def _sawtooth(model: Model, building: Building, mass: Mass, eaves: float) -> None:
    """Teeth with glass on their steep sides, which face the right."""
    x0, x1, y0, y1 = mass.extent
    count, rise, depth = building.bays, 1.5, y1 - y0
    frame, tooth = Frame(x0, y0), (x1 - x0) / building.bays
    wall, roof = Brush.new(model, "wall", "wall", frame), Brush.new(model, "roof", "roof", frame)
    for k in range(count):
        low, high = k * tooth, (k + 1) * tooth
        for out in (0.0, -depth):
            wall.plate([(low, eaves), (high, eaves), (high - 0.15, eaves + rise)], out)
        slab = [
            (low - 0.1, eaves),
            (high - 0.15, eaves + rise),
            (high - 0.15, eaves + rise + 0.14),
            (low - 0.1, eaves + 0.14),
        ]
        roof.prism(slab, (-depth - 0.25, 0.25), back=True)
        light = Brush.new(model, "window", glass(model, building), frame)
        light.sheet(
            [
                (high - 0.02, 0, eaves + 0.15),
                (high - 0.02, -depth, eaves + 0.15),
                (high - 0.14, -depth, eaves + rise),
                (high - 0.14, 0, eaves + rise),
            ]
        )


def _gable_vents(model: Model, front: Wall, eaves: float) -> None:
    frame, length = front
    louvre = Brush.new(model, "wall", "charcoal", frame)
    louvre.boxes(
        [(length / 2 - 0.6, length / 2 + 0.6, 0, 0.06, z, z + 0.08) for z in np.arange(eaves - 0.05, eaves + 0.5, 0.14)]
    )


def _downpipes(model: Model, mass: Mass, eaves: float) -> None:
    frame, length = mass.walls[0]
    pipe = Brush.new(model, "wall", "galvanised", frame)
    at = [(0.4, 0.1), (length - 0.4, 0.1)]
    tubes(pipe, [(u, out, 0.1) for u, out in at], [(u, out, eaves) for u, out in at], [0.06] * 2)
