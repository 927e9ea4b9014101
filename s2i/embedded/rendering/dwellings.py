"""Houses, mansions, townhouses, cottages, barns."""

import numpy as np

from s2i.embedded.rendering import blocks, facade, roofs
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.facade import Gable, Portico
from s2i.embedded.rendering.glazing import Grid
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.openings import Opening, window
from s2i.embedded.rendering.porches import porch
from s2i.embedded.rendering.shapes import Frame, Model, Wall, wall_between

BARN_EAVES = 3.6  # metres
BARN_DOOR = (3.2, 0.1, 3.1)  # width, foot and head in metres
PITCH_OF_BARNS = 0.42  # rise over width


def house(model: Model, building: Building, rng: np.random.Generator) -> None:
    """Two storeys; american with a porch and a cross gable, modern with a canopy, others with dormers."""
    width, depth = blocks.footprint(building)
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    base = 0.5
    grid = blocks.front_of(building, base)
    eaves = blocks.block(model, building, mass, grid)
    roofs.close(model, building, mass, eaves, rng)
    front = mass.walls[0]
    blocks.add_bay_window(model, building, front, grid)
    if building.style == "american":
        if "porch" in building.features:
            porch(model, building, front, base)
        if building.roof == "pitched":
            _cross_gable(model, building, front, eaves, rng)
    elif building.style == "modern":
        _canopy(model, building, width, base)
    elif building.roof == "pitched":
        for x in (-width * 0.22, width * 0.22):
            roofs.dormer(model, building, (x, 0.35, eaves + 0.35))


def _cross_gable(model: Model, building: Building, front: Wall, eaves: float, rng: np.random.Generator) -> None:
    frame, width = front
    u = width * (0.26 if rng.random() < 0.5 else 0.74)
    span = width * 0.42
    gable = Gable(u, eaves, span, span * 0.5)
    facade.gable(Brush.new(model, "wall", "wall", frame), gable, (-3.0, 0.12))
    facade.rake(model, frame, gable, (-3.0, 0.5), thickness=0.2)
    before = Frame(frame.x, frame.y - 0.12, frame.angle)
    window(model, building, before, Opening(u, eaves + 0.45, 0.9, 1.0), "sash")


def _canopy(model: Model, building: Building, width: float, base: float) -> None:
    """A slab over the entrance that ends on a post."""
    front, _ = wall_between(-width / 2, 0, width / 2, 0)
    slab = Brush.new(model, "wall", "slab", front)
    z = base + building.storey_height - 0.35
    slab.box((width * 0.3, width + 1.2), (0, 1.6), (z, z + 0.25))
    slab.of("charcoal").box((width + 0.85, width + 1.05), (1.2, 1.4), (0, z))


def mansion(model: Model, building: Building, rng: np.random.Generator) -> None:
    """Two tall storeys behind a portico, sometimes with a round turret."""
    width, depth = blocks.footprint(building, 8.5)
    base = 0.9
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    eaves = blocks.block(model, building, mass, blocks.front_of(building, base))
    facade.band(model, "trim", mass.walls, (eaves - 0.1, eaves + 0.3), 0.4)
    roofs.close(model, building, mass, eaves + 0.2, rng)
    if building.columns:
        facade.portico(model, mass.walls[0].frame, Portico(width / 2, width * 0.44, 2.6, base, eaves - 0.3, 4))
    if building.curved:
        radius = 2.0
        turret = blocks.drum(-width / 2, 0.6, radius)
        blocks.raise_walls(model, turret, (0, eaves + 0.8))
        arc = (np.pi * radius - np.radians(110) * radius, np.radians(160) * radius)
        blocks.openings(model, building, turret.walls[0], Grid(building.storeys, 2, base, arc=arc))
        roofs.spire(model, (-width / 2, 0.6), radius, eaves + 0.8, 4.0, 28)


def townhouse(model: Model, building: Building, rng: np.random.Generator) -> None:
    """Narrow and tall, the door at one side; gothic ones turn their gable to the street."""
    width, depth = blocks.footprint(building, 8.0)
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    entrance = 0 if building.seed % 2 else building.bays - 1
    grid = blocks.front_of(building, 0.9, entrance=entrance)
    eaves = blocks.block(model, building, mass, grid)
    blocks.add_bay_window(model, building, mass.walls[0], grid)
    if building.roof == "pitched":
        gothic = building.style == "gothic"
        roofs.gabled(model, mass, eaves, width * (0.75 if gothic else 0.5), front_gable=True, overhang=0.3)
        kind = "pointed" if gothic else "arched"
        window(model, building, mass.walls[0].frame, Opening(width / 2, eaves + 0.7, 1.1, 1.6), kind)
    else:
        roofs.close(model, building, mass, eaves, rng)


def cottage(model: Model, building: Building, rng: np.random.Generator) -> None:
    """One storey under a steep roof with dormers and a stone chimney."""
    width, depth = blocks.footprint(building, 6.0)
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    eaves = blocks.block(model, building, mass, blocks.front_of(building, 0.3))
    roofs.gabled(model, mass, eaves, 3.0, overhang=0.5)
    x = width * (0.33 if building.seed % 2 else -0.33)
    roofs.chimney(model, (x, depth * 0.55), eaves + 1, eaves + 3.9, "rubble")
    for x in (-width * 0.25, width * 0.25) if building.bays == 3 else (0,):
        roofs.dormer(model, building, (x, 0.5, eaves + 0.35))


def barn(model: Model, building: Building, rng: np.random.Generator) -> None:
    """A steep gable (american: broken, as a gambrel) over a wide cross-braced door."""
    width, depth, eaves = 7.6 + building.bays * 0.6, 10.0, BARN_EAVES
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    blocks.raise_walls(model, mass, (0, eaves))
    front, length = mass.walls[0]
    facade.band(model, "kerb", mass.walls, (0, 0.35), 0.12)
    if building.style == "american":
        _gambrel(model, front, width, depth, eaves)
    else:
        roofs.gabled(model, mass, eaves, width * PITCH_OF_BARNS, front_gable=True, overhang=0.6)
    _barn_door(model, front, length / 2)
    for u in (length * 0.15, length * 0.85):
        window(model, building, front, Opening(u, 1.3, 1.1, 1.3), "sash")
    window(model, building, front, Opening(length / 2, eaves + 0.6, 1.4, 1.5), "sash")
    for wall, run in (mass.walls[1], mass.walls[-1]):
        for k in range(3):
            window(model, building, wall, Opening(run * (k + 0.5) / 3, 1.3, 1.2, 1.3), "sash")


def _gambrel(model: Model, frame: Frame, width: float, depth: float, eaves: float) -> None:
    """Gables and slopes that bend halfway up."""
    wall, roof = Brush.new(model, "wall", "wall", frame), Brush.new(model, "roof", "roof", frame)
    knee, top = (width * 0.27, eaves + 2.4), eaves + 3.7
    half = width / 2
    shape = [(-half, eaves), (half, eaves), knee, (0, top), (-knee[0], knee[1])]
    shape = [(half + u, z) for u, z in shape]
    wall.plate(shape, 0.0)
    wall.plate(shape, -depth)
    for side in (-1, 1):
        for (u0, z0), (u1, z1) in (((half + 0.35, eaves - 0.5), knee), (knee, (0, top))):
            outline = [
                (half + side * u0, z0),
                (half + side * u1, z1),
                (half + side * u1, z1 + 0.3),
                (half + side * u0, z0 + 0.3),
            ]
            roof.prism(outline, (-depth - 0.4, 0.5), back=True)


def _barn_door(model: Model, frame: Frame, middle: float) -> None:
    leaf, bars = Brush.new(model, "door", "door", frame), Brush.new(model, "door", "white", frame)
    width, z0, z1 = BARN_DOOR
    u0, u1 = middle - width / 2, middle + width / 2
    leaf.box((u0, u1), (0, 0.12), (z0, z1))
    for at in (u0, middle - 0.1, u1 - 0.2):
        bars.box((at, at + 0.2), (0.1, 0.2), (z0, z1))
    for z in (z0, z1 - 0.2):
        bars.box((u0, u1), (0.1, 0.2), (z, z + 0.2))
    for a, c in ((u0, middle), (middle, u1)):
        bars.prism([(a, z0), (a + 0.25, z0), (c, z1), (c - 0.25, z1)], (0.1, 0.18))
