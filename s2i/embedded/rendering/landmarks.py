"""Office and apartment blocks, towers, pavilions, temples."""

import numpy as np

from s2i.embedded.rendering import blocks, facade, roofs
from s2i.embedded.rendering.blocks import Mass
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.facade import Portico
from s2i.embedded.rendering.glazing import Grid, curtain_wall
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.metalwork import fire_escape, railing
from s2i.embedded.rendering.openings import Opening, door, window
from s2i.embedded.rendering.shapes import Faces, Frame, Model, Point, wall_between


def slab_block(model: Model, building: Building, rng: np.random.Generator) -> None:
    """Apartment blocks and offices, some with a front that swells."""
    width, depth = blocks.footprint(building, 7.5)
    mass = blocks.bow(width, depth) if building.curved else blocks.oblong(-width / 2, width / 2, 0, depth)
    eaves = blocks.block(model, building, mass, blocks.front_of(building, 0.4))
    if "fire escape" in building.features:
        _fire_escapes(model, building, mass)
    if "roof terrace" in building.features and not building.curved:
        terrace_railing(model, mass, eaves)
    if building.roof != "flat":
        roofs.close(model, building, mass, eaves, rng)
        return
    roofs.flat(model, mass, eaves, "steel" if building.glass else "wall", parapet=0.6)
    frame, _ = wall_between(-width * 0.2, depth * 0.4, width * 0.1, depth * 0.4)
    _plant_room(model, frame, width * 0.3, eaves)


def _fire_escapes(model: Model, building: Building, mass: Mass) -> None:
    """One before the front and, where a camera may look along it, one at a side."""
    floors = [0.4 + j * building.storey_height + 0.72 for j in range(1, building.storeys)]
    for frame, length in (mass.walls[0], mass.walls[1 if building.view == "right" else -1]):
        bays = building.bays if frame == mass.walls[0].frame else 2
        pitch = length / bays
        at = pitch * (0.5 if building.seed % 2 else bays - 0.5)
        reach = min(pitch, 3.2) / 2
        fire_escape(model, frame, (at - reach, at + reach), floors)


def terrace_railing(model: Model, mass: Mass, z: float) -> None:
    """A railing on the parapet of a flat roof at `z` metres."""
    x0, x1, y0, y1 = mass.extent
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    railing(Brush.new(model, "railing", "iron"), [(x, -y, z + 0.6) for x, y in corners], height=0.7, spacing=0.3)


def _plant_room(model: Model, frame: Frame, width: float, z: float) -> None:
    Brush.new(model, "roof", "slab", frame).box((0, width), (-2.5, 0), (z, z + 1.6), Faces.BOTTOM)


def tower(model: Model, building: Building, rng: np.random.Generator) -> None:
    """As wide as deep, square or round; gothic ones end in a spire."""
    side = building.bays * building.bay_width * 1.1 + 0.6
    base, half, radius = 0.5, side / 2, side * 0.55
    if building.curved:
        mass = blocks.drum(0, radius, radius)
        front = blocks.front_of(building, base, arc=blocks.facing(radius, 200))
    else:
        mass = blocks.oblong(-half, half, 0, side)
        front = blocks.front_of(building, base)
    eaves = blocks.block(model, building, mass, front, side_bays=building.bays)
    centre = (0.0, mass.extent[3] / 2)
    if building.style != "gothic":
        roofs.flat(model, mass, eaves, "steel" if building.glass else "wall", parapet=0.7)
        return
    facade.band(model, "trim", mass.walls, (eaves - 0.3, eaves + 0.1), 0.3)
    if building.curved:
        roofs.spire(model, centre, radius, eaves + 0.2, side * 1.25, 32)
        return
    roofs.spire(model, centre, half, eaves + 0.2, side * 1.25, 4)
    for corner in ((x, y) for x in (-half, half) for y in (0.0, side)):
        roofs.spire(model, corner, 0.35, eaves + 0.8, 2.2, 4)
        pinnacle = Brush.new(model, "wall", "wall")
        pinnacle.lathe(corner, [(0.5, eaves - 1.2), (0.5, eaves + 0.8), (0.0, eaves + 0.8)], 4, np.pi / 4)


def pavilion(model: Model, building: Building, rng: np.random.Generator) -> None:
    """One high storey, round under a dome or a disc, or oblong under a slab on posts."""
    base = 0.6
    if building.style == "neoclassical" or building.curved:
        _round_pavilion(model, building, base)
        return
    width, depth = blocks.footprint(building, 6.5)
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    eaves = blocks.block(model, building, mass, blocks.front_of(building, base))
    frame = mass.walls[0].frame
    roof = Brush.new(model, "roof", "steel" if building.glass else "slab", frame)
    roof.box((-1.3, width + 1.3), (-depth - 0.8, 1.8), (eaves, eaves + 0.45))
    for u in (-0.8, width + 0.8):
        facade.column(model, frame, (u, 1.3), (0, eaves), 0.16)


def _round_pavilion(model: Model, building: Building, base: float) -> None:
    head = base + (building.storey_height + 0.4)
    radius = building.bays * 1.15
    mass = blocks.drum(0, radius + 1.2, radius)
    blocks.raise_walls(model, mass, (0, head))
    fill = curtain_wall if building.glass else blocks.openings
    fill(model, building, mass.walls[0], Grid(1, 5, base, entrance=2, arc=blocks.facing(radius, 210)))
    centre = (0.0, radius + 1.2)
    steps = Brush.new(model, "wall", "kerb")
    for step in range(2):
        reach = radius + 1.6 - 0.4 * step
        low, high = base * step / 2, base * (step + 1) / 2
        steps.lathe(centre, [(reach, low), (reach, high), (radius, high)], 40)
    if building.style == "neoclassical":
        _ring_of_columns(model, centre, radius, base, head)
        roofs.dome(model, centre, radius + 0.3, head + 0.6)
        return
    disc = [(radius, head - 0.3), (radius + 1.2, head - 0.1), (radius + 1.2, head + 0.35), (0.01, head + 0.5)]
    Brush.new(model, "roof", "steel" if building.glass else "slab").lathe(centre, disc, 40)


def _ring_of_columns(model: Model, centre: Point, radius: float, base: float, head: float) -> None:
    frame = Frame(centre[0], centre[1], -np.pi, radius)
    for k in range(12):
        facade.column(model, frame, (2 * np.pi * radius * k / 12, 0.8), (base, head), 0.26)
    ring = [(radius + 1.1, head), (radius + 1.3, head + 0.6), (radius, head + 0.6)]
    Brush.new(model, "wall", "trim").lathe(centre, ring, 40)


def temple(model: Model, building: Building, rng: np.random.Generator) -> None:
    """A hall behind columns and a pediment, on steps."""
    width = building.bays * 2.2 + 1.0
    depth, base, head = 9.0, 1.2, 1.2 + building.storey_height * 1.5
    mass = blocks.oblong(-width / 2 + 0.5, width / 2 - 0.5, 2.2, depth)
    blocks.raise_walls(model, mass, (0, head + 0.55))
    for wall in (mass.walls[1], mass.walls[-1]):
        blocks.openings(model, building, wall, Grid(1, 2, base + 0.4))
    facade.band(model, "kerb", mass.walls, (0, base), 0.4)
    front, length = mass.walls[0]
    door(model, building, front, Opening(length / 2, base, 1.7, 3.0))
    for u in (length * 0.18, length * 0.82):
        window(model, building, front, Opening(u, base + 1.0, 1.3, 2.0))
    columns = building.bays + building.bays % 2
    facade.portico(model, front, Portico(length / 2, width, 2.4, base, head, columns))
    facade.band(model, "trim", mass.walls[1:], (head, head + 0.55), 0.4)
    whole = blocks.oblong(-width / 2, width / 2, 0.2, depth)
    rise = width * facade.PITCH_OF_PEDIMENTS
    roofs.gabled(model, whole, head + 0.5, rise, front_gable=True, overhang=0.2)
