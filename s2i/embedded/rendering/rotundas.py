"""Round buildings that are glazed all round."""

import numpy as np

from s2i.embedded.rendering import blocks, roofs
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.glazing import Grid, curtain_wall
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.metalwork import railing
from s2i.embedded.rendering.openings import Opening, door, window
from s2i.embedded.rendering.shapes import Frame, Model, Point, Wall
from s2i.embedded.rendering.tubes import tubes

BASE = 0.5  # metres
FRONT = 230.0  # degrees about the front that carry glass


def rotunda(model: Model, building: Building, rng: np.random.Generator) -> None:
    """A drum of tall windows under a dome, or of glass between rings of steel under a flat roof."""
    radius = building.bays * 0.62 + 1.6
    storey = building.storey_height * (1.5 if building.storeys == 1 else 1.1)
    head = BASE + building.storeys * storey
    drum = blocks.drum(0, radius + 1.0, radius)
    centre = (0.0, radius + 1.0)
    blocks.raise_walls(model, drum, (0, head))
    _plinth(model, centre, radius)
    _glaze(model, building, drum.walls[0].frame, radius, storey)
    if building.style != "modern":
        roofs.dome(model, centre, radius + 0.2, head)
        _lantern(model, centre, head + 0.35 + (radius + 0.2) * 0.8)
        return
    disc = [(radius, head - 0.15), (radius + 1.0, head), (radius + 1.0, head + 0.35), (radius * 0.7, head + 0.4)]
    metal = "steel" if building.glass else "slab"
    Brush.new(model, "roof", metal).lathe(centre, disc, 48)
    if building.seed % 2:
        _glass_cone(model, building, centre, (radius * 0.7, head + 0.4))
    else:
        Brush.new(model, "roof", "gravel").lathe(centre, [(radius * 0.7, head + 0.4), (0.01, head + 0.45)], 32)
        _balustrade(model, centre, radius + 0.85, head + 0.35)


def _glaze(model: Model, building: Building, frame: Frame, radius: float, storey: float) -> None:
    start, run = blocks.facing(radius, FRONT)
    bays = building.bays + (building.bays + 1) % 2
    if building.glass:
        # the storeys of a rotunda are higher than the building's own
        tall = round(building.storeys * storey / building.storey_height)
        curtain_wall(
            model,
            building,
            Wall(frame, 2 * np.pi * radius),
            Grid(max(1, tall), bays, BASE, bays // 2, arc=(start, run)),
        )
        return
    pitch = run / bays
    for j in range(building.storeys):
        for i in range(bays):
            u, floor = start + (i + 0.5) * pitch, BASE + j * storey
            if j == 0 and i == bays // 2:
                door(model, building, frame, Opening(u, BASE, min(1.6, pitch * 0.7), min(2.8, storey * 0.7)))
                continue
            kind = "arched" if building.style != "modern" else "single"
            window(model, building, frame, Opening(u, floor + 0.35, pitch * 0.66, storey * 0.76), kind)
    pilasters = Brush.new(model, "column", "trim", frame)
    for i in range(bays + 1):
        u = start + i * pitch
        pilasters.box((u - 0.14, u + 0.14), (0, 0.18), (BASE, BASE + building.storeys * storey))


def _plinth(model: Model, centre: Point, radius: float) -> None:
    steps = Brush.new(model, "stairs", "kerb")
    for step in range(3):
        reach, low, high = radius + 1.5 - 0.35 * step, BASE * step / 3, BASE * (step + 1) / 3
        steps.lathe(centre, [(reach, low), (reach, high), (radius, high)], 48)


def _lantern(model: Model, centre: Point, z: float) -> None:
    """A small drum with windows on top of a dome."""
    frame = Frame(centre[0], centre[1], -np.pi, 0.8)
    drum = Brush.new(model, "roof", "trim")
    drum.lathe(centre, [(0.95, z - 0.5), (0.95, z), (0.8, z), (0.8, z + 1.3), (1.0, z + 1.35), (1.0, z + 1.5)], 16)
    drum.of("roof").lathe(
        centre, [(1.0, z + 1.5), (0.7, z + 2.0), (0.3, z + 2.3), (0.04, z + 2.5), (0.02, z + 3.3)], 16
    )
    for k in range(6):
        glass = Brush.new(model, "window", "pane", frame)
        u = 2 * np.pi * 0.8 * (k + 0.5) / 6
        glass.panel((u - 0.22, u + 0.22), (z + 0.2, z + 1.1), 0.03)


def _glass_cone(model: Model, building: Building, centre: Point, foot: tuple[float, float]) -> None:
    """A shallow cone of glass between ribs; it counts as roof."""
    radius, z = foot
    glass = Brush.new(model, "roof", "tinted" if building.glass else "pane")
    glass.lathe(centre, [(radius, z), (0.05, z + radius * 0.4)], 24)
    angles = np.linspace(0, 2 * np.pi, 25)[:-1]
    feet = [(centre[0] + radius * np.sin(a), -centre[1] + radius * np.cos(a), z + 0.03) for a in angles]
    tubes(glass.of("steel"), feet, [(centre[0], -centre[1], z + radius * 0.4 + 0.03)] * 24, [0.05] * 24)


def _balustrade(model: Model, centre: Point, radius: float, z: float) -> None:
    frame = Frame(centre[0], centre[1], -np.pi, radius)
    path = [(2 * np.pi * radius * k / 40, 0.0, z) for k in range(41)]
    railing(Brush.new(model, "railing", "iron", frame), path, spacing=0.5)
