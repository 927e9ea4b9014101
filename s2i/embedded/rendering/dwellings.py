"""Houses, villas, mansions, townhouses, cottages, barns."""

import numpy as np

from s2i.embedded.rendering import blocks, facade, roofs
from s2i.embedded.rendering.shapes import Frame


def house(model, b, rng):
    width, depth = blocks.footprint(b)
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    base = 0.5
    eaves = blocks.block(model, b, mass, base)
    blocks.close(model, b, mass, eaves, rng)
    front = mass.walls[0][0]
    if b.style == "american":
        if b.columns:
            _porch(model, b, front, width, base)
        if b.roof == "pitched":
            _cross_gable(model, b, front, width, eaves, rng)
    elif b.style == "modern":
        _cantilever(model, b, width, depth, base)
    elif b.roof == "pitched":
        for x in (-width * 0.22, width * 0.22):
            roofs.dormer(model, b, x, 0.35, eaves + 0.35)


def _porch(model, b, frame, width, base):
    depth, head = 2.0, base + b.storey_height - 0.45
    part = model.part("wall")
    model.box(part, "kerb", frame, (0, width), (0, depth), (0, base), "bi")
    count = b.bays + 1
    for k in range(count):
        facade.column(model, frame, 0.3 + (width - 0.6) * k / (count - 1), depth - 0.3, (base, head), 0.16)
    model.box(part, "trim", frame, (0, width), (depth - 0.5, depth - 0.1), (head, head + 0.25))
    roof = model.part("roof")
    slope = [
        (-0.3, 0, head + 0.75),
        (width + 0.3, 0, head + 0.75),
        (width + 0.3, depth + 0.3, head + 0.25),
        (-0.3, depth + 0.3, head + 0.25),
    ]
    model.sheet(roof, "roof", frame, slope)
    model.box(roof, "trim", frame, (-0.3, width + 0.3), (depth + 0.2, depth + 0.32), (head + 0.08, head + 0.27))


def _cross_gable(model, b, frame, width, eaves, rng):
    u = width * (0.26 if rng.random() < 0.5 else 0.74)
    span = width * 0.42
    part = model.part("wall")
    facade.gable(model, part, "wall", frame, u, eaves, span, span * 0.5, (-3.0, 0.12))
    facade.rake(model, frame, u, eaves, span, span * 0.5, (-3.0, 0.5), thickness=0.2)
    facade.window(model, b, Frame(frame.x, frame.y - 0.12, frame.angle), u, eaves + 0.45, 0.9, 1.0, "sash")


def _cantilever(model, b, width, depth, base):
    """A canopy over the entrance and a slab that ends the upper floor."""
    front, _ = facade.straight(-width / 2, 0, width / 2, 0)
    part = model.part("wall")
    z = base + b.storey_height - 0.35
    model.box(part, "slab", front, (width * 0.3, width + 1.2), (0, 1.6), (z, z + 0.25))
    model.box(part, "charcoal", front, (width + 0.85, width + 1.05), (1.2, 1.4), (0, z))


def villa(model, b, rng):
    """Two stacked blocks, the upper one reaching over the lower."""
    width, depth = blocks.footprint(b, 7.0)
    base, storey = 0.3, b.storey_height
    side = -1 if b.seed % 2 else 1
    lower = blocks.oblong(-width / 2 - 1.2, width / 2 + 1.2, 0, depth)
    upper = blocks.oblong(-width / 2 + side * 1.0, width / 2 + side * 1.8, -1.3, depth - 1)
    blocks.raise_walls(model, lower, (0, base + storey))
    facade.band(model, "kerb", lower.walls, (0, base), 0.12)
    blocks.openings(model, b, lower.walls[0], 1, b.bays + 1, base, entrance=b.bays // 2)
    for wall in (lower.walls[1], lower.walls[-1]):
        blocks.openings(model, b, wall, 1, 2, base)
    roofs.flat(model, lower, base + storey, "slab", parapet=0.15, out=0.3)
    blocks.raise_walls(model, upper, (base + storey + 0.15, base + 2 * storey + 0.15))
    frame, length = upper.walls[0]
    floor = base + storey + 0.2
    for i in range(b.bays):
        u = length * (i + 0.5) / b.bays
        if b.balconies and i == (0 if side < 0 else b.bays - 1):
            facade.window(model, b, frame, u, floor + 0.1, length / b.bays * 0.66, 2.3)
            facade.balcony(model, b, frame, u, floor, length / b.bays * 0.9)
        else:
            facade.window(model, b, frame, u, floor + 0.7, length / b.bays * 0.7, 1.7)
    for wall in (upper.walls[1], upper.walls[-1]):
        blocks.openings(model, b, wall, 1, 1, floor)
    top = base + 2 * storey + 0.15
    if b.roof == "flat":
        roofs.flat(model, upper, top, "slab", parapet=0.25, out=0.45)
    else:
        roofs.gabled(model, upper, top, 2.0)


def mansion(model, b, rng):
    width, depth = blocks.footprint(b, 8.5)
    base = 0.9
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    eaves = blocks.block(model, b, mass, base, side_bays=2)
    facade.band(model, "trim", mass.walls, (eaves - 0.1, eaves + 0.3), 0.4)
    blocks.close(model, b, mass, eaves + 0.2, rng)
    if b.columns:
        facade.portico(model, b, mass.walls[0][0], width / 2, width * 0.44, 2.6, (base, eaves - 0.3), 4)
    if b.curved:
        radius = 2.0
        turret = blocks.drum(-width / 2, 0.6, radius)
        blocks.raise_walls(model, turret, (0, eaves + 0.8))
        arc = (np.pi * radius - np.radians(110) * radius, np.radians(160) * radius)
        blocks.openings(model, b, turret.walls[0], b.storeys, 2, base, arc=arc)
        roofs.spire(model, (-width / 2, 0.6), radius, eaves + 0.8, 4.0, 28)


def townhouse(model, b, rng):
    width, depth = blocks.footprint(b, 8.0)
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    base = 0.9
    eaves = blocks.block(model, b, mass, base, entrance=0 if b.seed % 2 else b.bays - 1)
    if b.roof == "pitched":
        roofs.gabled(model, mass, eaves, width * (0.75 if b.style == "gothic" else 0.5), along="y", overhang=0.3)
        kind = "pointed" if b.style == "gothic" else "arched"
        facade.window(model, b, mass.walls[0][0], width / 2, eaves + 0.7, 1.1, 1.6, kind)
    else:
        blocks.close(model, b, mass, eaves, rng)


def cottage(model, b, rng):
    width, depth = blocks.footprint(b, 6.0)
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    base = 0.3
    eaves = blocks.block(model, b, mass, base)
    roofs.gabled(model, mass, eaves, 3.0, overhang=0.5)
    roofs.chimney(model, width * (0.33 if b.seed % 2 else -0.33), depth * 0.55, eaves + 1, eaves + 3.9, "rubble")
    if b.bays == 3:
        for x in (-width * 0.25, width * 0.25):
            roofs.dormer(model, b, x, 0.5, eaves + 0.35)
    else:
        roofs.dormer(model, b, 0, 0.5, eaves + 0.35)


def barn(model, b, rng):
    """A steep gable (american: broken, as a gambrel) over a wide cross-braced door."""
    width, depth, eaves = 7.6 + b.bays * 0.6, 10.0, 3.6
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    blocks.raise_walls(model, mass, (0, eaves))
    front, length = mass.walls[0]
    facade.band(model, "kerb", mass.walls, (0, 0.35), 0.12)
    if b.style == "american":
        part, roof = model.part("wall"), model.part("roof")
        knee, top = (width * 0.27, eaves + 2.4), eaves + 3.7
        half = width / 2
        shape = [(-half, eaves), (half, eaves), knee, (0, top), (-knee[0], knee[1])]
        shape = [(half + u, z) for u, z in shape]
        model.plate(part, "wall", front, shape, 0.0)
        model.plate(part, "wall", front, shape, -depth)
        for side in (-1, 1):
            for (u0, z0), (u1, z1) in (((half + 0.35, eaves - 0.5), knee), (knee, (0, top))):
                outline = [
                    (half + side * u0, z0),
                    (half + side * u1, z1),
                    (half + side * u1, z1 + 0.3),
                    (half + side * u0, z0 + 0.3),
                ]
                model.prism(roof, "roof", front, outline, (-depth - 0.4, 0.5), back=True)
    else:
        roofs.gabled(model, mass, eaves, width * 0.42, along="y", overhang=0.6)
    door, bars = model.part("door"), model.part("door")
    u0, u1, z0, z1 = length / 2 - 1.6, length / 2 + 1.6, 0.1, 3.1
    model.box(door, "door", front, (u0, u1), (0, 0.12), (z0, z1))
    for at in (u0, length / 2 - 0.1, u1 - 0.2):
        model.box(bars, "white", front, (at, at + 0.2), (0.1, 0.2), (z0, z1))
    for z in (z0, z1 - 0.2):
        model.box(bars, "white", front, (u0, u1), (0.1, 0.2), (z, z + 0.2))
    for a, c in ((u0, length / 2), (length / 2, u1)):
        model.prism(bars, "white", front, [(a, z0), (a + 0.25, z0), (c, z1), (c - 0.25, z1)], (0.1, 0.18))
    for u in (length * 0.15, length * 0.85):
        facade.window(model, b, front, u, 1.3, 1.1, 1.3, "sash")
    facade.window(model, b, front, length / 2, eaves + 0.6, 1.4, 1.5, "sash")
    for wall, run in (mass.walls[1], mass.walls[-1]):
        for k in range(3):
            facade.window(model, b, wall, run * (k + 0.5) / 3, 1.3, 1.2, 1.3, "sash")
