"""Rows of houses, wall to wall, each with its own door."""

import numpy as np

from s2i.embedded.rendering import blocks, facade, roofs
from s2i.embedded.rendering.bays import bay_window
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.glazing import Grid
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.metalwork import railing
from s2i.embedded.rendering.openings import Opening, door, window
from s2i.embedded.rendering.shapes import Frame, Model

BASE = 0.75  # metres, which steps lead up to
DEPTH = 9.0  # metres


def terrace(model: Model, building: Building, rng: np.random.Generator) -> None:
    """As many houses as pairs of bays, alike but for what each owner has done to it."""
    houses = building.bays // 2
    width = 2 * building.bay_width * 0.9
    whole = width * houses
    mass = blocks.oblong(-whole / 2, whole / 2, 0, DEPTH)
    storey = building.storey_height
    eaves = BASE + building.storeys * storey
    blocks.raise_walls(model, mass, (0, eaves))
    facade.band(model, "kerb", mass.walls, (0, BASE), 0.06)
    front = mass.walls[0].frame
    mirrored = building.seed % 2 == 0
    for k in range(houses):
        swap = mirrored and k % 2 == 1
        _house(model, building, front, (k * width, (k + 1) * width), swap)
    for wall in (mass.walls[1], mass.walls[3]):
        blocks.openings(model, building, wall, Grid(building.storeys, 2, BASE))
    facade.band(model, "trim", mass.walls, (eaves - 0.12, eaves + 0.1), 0.18)
    _roof(model, building, mass, eaves, houses)


def _house(model: Model, building: Building, frame: Frame, span: tuple[float, float], swap: bool) -> None:
    """One house between two walls: door and bay below, windows above."""
    low, high = span
    width, storey = high - low, building.storey_height
    near, far = low + width * 0.27, low + width * 0.71
    door_at, bay_at = (far, near) if swap else (near, far)
    door(model, building, frame, Opening(door_at, BASE, 1.05, 2.25))
    _front_area(model, frame, span, door_at)
    tall = storey * 0.52
    bayed = "bay" in building.features
    if bayed:
        storeys = 2 if building.style == "gothic" and building.storeys > 2 else 1
        bay_window(model, building, frame, Opening(bay_at, BASE, width * 0.44, storeys * storey), storeys)
    for j in range(building.storeys):
        sill = BASE + j * storey + 0.8
        if not (bayed and j < (2 if building.style == "gothic" and building.storeys > 2 else 1)):
            window(model, building, frame, Opening(bay_at, sill, 1.05, tall))
        if j > 0:
            window(model, building, frame, Opening(door_at, sill, 0.95, tall))


def _front_area(model: Model, frame: Frame, span: tuple[float, float], door_at: float) -> None:
    """Iron railings on a low wall along the pavement, open before the door."""
    low, high = span
    kerb = Brush.new(model, "railing", "kerb", frame)
    for u0, u1 in ((low, door_at - 0.85), (door_at + 0.85, high)):
        if u1 - u0 < 0.5:
            continue
        kerb.box((u0, u1), (1.75, 1.95), (0, 0.3))
        railing(kerb.of("iron"), [(u0, 1.85, 0.3), (u1, 1.85, 0.3)], height=0.75, spacing=0.14)


def _roof(model: Model, building: Building, mass: blocks.Mass, eaves: float, houses: int) -> None:
    """One roof over all, chimneys on the party walls, dormers or gables over each house."""
    x0, x1, y0, y1 = mass.extent
    width = (x1 - x0) / houses
    rise = (y1 - y0) * 0.36
    if building.roof == "flat":
        roofs.flat(model, mass, eaves, "wall")
        return
    if building.roof == "mansard":
        roofs.tapered(model, mass.extent, eaves + 0.25, 2.4, (0.8, 0.9), overhang=0.25)
    else:
        roofs.gabled(model, mass, eaves, rise, overhang=0.25)
    for k in range(1, houses):
        top = eaves + (rise if building.roof != "mansard" else 2.4) + 0.8
        roofs.chimney(model, (x0 + k * width, (y0 + y1) / 2), eaves + 0.5, top)
    if "dormers" in building.features or building.roof == "mansard":
        for k in range(houses):
            roofs.dormer(model, building, (x0 + (k + 0.5) * width, y0 + 0.4, eaves + 0.55), depth=1.8)
    elif building.style == "gothic":
        _front_gables(model, building, mass, eaves, houses)


def _front_gables(model: Model, building: Building, mass: blocks.Mass, eaves: float, houses: int) -> None:
    frame, length = mass.walls[0]
    width = length / houses
    for k in range(houses):
        gable = facade.Gable((k + 0.5) * width, eaves, width * 0.62, width * 0.42)
        facade.gable(Brush.new(model, "wall", "wall", frame), gable, (-2.5, 0.02))
        facade.rake(model, frame, gable, (-2.5, 0.3), thickness=0.16)
        window(model, building, Frame(frame.x, frame.y - 0.02, frame.angle), Opening(gable.u, eaves + 0.2, 0.7, 0.9))
