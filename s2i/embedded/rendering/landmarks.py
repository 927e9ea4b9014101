"""Office and apartment blocks, towers, pavilions, temples, churches."""

import numpy as np

from s2i.embedded.rendering import blocks, facade, roofs
from s2i.embedded.rendering.shapes import Frame


def slab_block(model, b, rng):
    """Apartment blocks and offices."""
    width, depth = blocks.footprint(b, 7.5)
    mass = blocks.bow(width, depth) if b.curved else blocks.oblong(-width / 2, width / 2, 0, depth)
    eaves = blocks.block(model, b, mass, 0.4)
    if b.roof == "flat":
        roofs.flat(model, mass, eaves, "wall" if not b.glass else "steel", parapet=0.6)
        part = model.part("roof")
        frame, _ = facade.straight(-width * 0.2, depth * 0.4, width * 0.1, depth * 0.4)
        model.box(part, "slab", frame, (0, width * 0.3), (-2.5, 0), (eaves, eaves + 1.6), "b")
    else:
        blocks.close(model, b, mass, eaves, rng)


def tower(model, b, rng):
    side = b.bays * b.bay_width * 1.1 + 0.6
    base = 0.5
    if b.curved:
        radius = side * 0.55
        mass = blocks.drum(0, radius, radius)
        turn = np.radians(200)
        arc = (np.pi * radius - turn * radius / 2, turn * radius)
        eaves = blocks.block(model, b, mass, base, arc=arc)
    else:
        mass = blocks.oblong(-side / 2, side / 2, 0, side)
        eaves = blocks.block(model, b, mass, base, side_bays=b.bays)
    centre, half = (0.0, mass.extent[3] / 2), side / 2
    if b.style == "gothic":
        facade.band(model, "trim", mass.walls, (eaves - 0.3, eaves + 0.1), 0.3)
        roofs.spire(
            model, centre, half if not b.curved else side * 0.55, eaves + 0.2, side * 1.25, 32 if b.curved else 4
        )
        if not b.curved:
            for x in (-half, half):
                for y in (0.0, side):
                    roofs.spire(model, (x, y), 0.35, eaves + 0.8, 2.2, 4)
                    model.lathe(
                        model.part("wall"), "wall", (x, y), [(0.5, eaves - 1.2), (0.5, eaves + 0.8)], 4, np.pi / 4
                    )
    else:
        roofs.flat(model, mass, eaves, "steel" if b.glass else "wall", parapet=0.7)


def pavilion(model, b, rng):
    base, storey = 0.6, b.storey_height + 0.4
    if b.style == "neoclassical" or b.curved:
        radius = b.bays * 1.15
        mass = blocks.drum(0, radius + 1.2, radius)
        blocks.raise_walls(model, mass, (0, base + storey))
        turn = np.radians(210)
        arc = (np.pi * radius - turn * radius / 2, turn * radius)
        fill = blocks.panes if b.glass else blocks.openings
        fill(model, b, mass.walls[0], 1, 5, base, entrance=2, arc=arc)
        centre = (0.0, radius + 1.2)
        ring = model.part("wall")
        for step in range(2):
            reach = radius + 1.6 - 0.4 * step
            model.lathe(
                ring,
                "kerb",
                centre,
                [(reach, base * step / 2), (reach, base * (step + 1) / 2), (radius, base * (step + 1) / 2)],
                40,
            )
        if b.style == "neoclassical":
            frame = Frame(*centre, -np.pi, radius)
            for k in range(12):
                facade.column(model, frame, 2 * np.pi * radius * k / 12, 0.8, (base, base + storey), 0.26)
            model.lathe(
                model.part("wall"),
                "trim",
                centre,
                [(radius + 1.1, base + storey), (radius + 1.3, base + storey + 0.6), (radius, base + storey + 0.6)],
                40,
            )
            roofs.dome(model, centre, radius + 0.3, base + storey + 0.6)
        else:
            disc = [
                (radius, base + storey - 0.3),
                (radius + 1.2, base + storey - 0.1),
                (radius + 1.2, base + storey + 0.35),
                (0.01, base + storey + 0.5),
            ]
            model.lathe(model.part("roof"), "slab" if not b.glass else "steel", centre, disc, 40)
        return
    width, depth = blocks.footprint(b, 6.5)
    mass = blocks.oblong(-width / 2, width / 2, 0, depth)
    eaves = blocks.block(model, b, mass, base)
    part = model.part("roof")
    frame = mass.walls[0][0]
    model.box(
        part, "steel" if b.glass else "slab", frame, (-1.3, width + 1.3), (-depth - 0.8, 1.8), (eaves, eaves + 0.45)
    )
    for u in (-0.8, width + 0.8):
        facade.column(model, frame, u, 1.3, (0, eaves), 0.16)


def temple(model, b, rng):
    width = b.bays * 2.2 + 1.0
    depth, base, head = 9.0, 1.2, 1.2 + b.storey_height * 1.5
    mass = blocks.oblong(-width / 2 + 0.5, width / 2 - 0.5, 2.2, depth)
    blocks.raise_walls(model, mass, (0, head + 0.55))
    for wall in (mass.walls[1], mass.walls[-1]):
        blocks.openings(model, b, wall, 1, 2, base + 0.4)
    facade.band(model, "kerb", mass.walls, (0, base), 0.4)
    front, length = mass.walls[0]
    facade.door(model, b, front, length / 2, base, width=1.7, height=3.0)
    for u in (length * 0.18, length * 0.82):
        facade.window(model, b, front, u, base + 1.0, 1.3, 2.0)
    facade.portico(model, b, front, length / 2, width, 2.4, (base, head), b.bays + (b.bays % 2))
    facade.band(model, "trim", mass.walls[1:], (head, head + 0.55), 0.4)
    roofs.gabled(
        model, blocks.oblong(-width / 2, width / 2, 0.2, depth), head + 0.5, width * 0.19, along="y", overhang=0.2
    )


def church(model, b, rng):
    width, depth, eaves = b.bays * 2.0 + 1.2, 11.0, 5.4
    base = 0.5
    nave = blocks.oblong(-width / 2, width / 2, 0, depth)
    blocks.raise_walls(model, nave, (0, eaves))
    facade.band(model, "kerb", nave.walls, (0, base), 0.2)
    roofs.gabled(model, nave, eaves, width * 0.62, along="y", overhang=0.3)
    for wall in (nave.walls[1], nave.walls[-1]):
        frame, length = wall
        for k in range(3):
            facade.window(model, b, frame, length * (k + 0.5) / 3, 1.5, 1.3, 3.0)
        for k in range(4):
            facade.buttress(model, frame, 0.4 + (length - 0.8) * k / 3, eaves)
    front, length = nave.walls[0]
    beside = b.bays == 4
    x = -width / 2 - 0.4 if beside and b.seed % 2 else width / 2 + 0.4 if beside else 0.0
    side = 3.4
    if beside:
        facade.door(model, b, front, length / 2, base, width=1.8, height=3.0)
        facade.window(model, b, front, length / 2, 4.7, 1.8, 2.8)
        for u in (length * 0.2, length * 0.8):
            facade.window(model, b, front, u, 1.8, 1.1, 2.4)
    else:
        for u in (length * 0.13, length * 0.87):
            facade.window(model, b, front, u, 1.6, 1.0, 2.4)
    tower = blocks.oblong(x - side / 2, x + side / 2, -1.4, side - 1.4)
    top = eaves + width * 0.62 + 2.0
    blocks.raise_walls(model, tower, (0, top))
    facade.band(model, "kerb", tower.walls, (0, base), 0.2)
    frame = tower.walls[0][0]
    if beside:
        facade.window(model, b, frame, side / 2, 2.0, 1.2, 2.4)
    else:
        facade.door(model, b, frame, side / 2, base, width=1.7, height=3.0)
    for wall, _ in (tower.walls[0], tower.walls[1], tower.walls[-1]):
        facade.window(model, b, wall, side / 2, top - 3.4, 1.3, 2.6)
        for u in (0.2, side - 0.2):
            facade.buttress(model, wall, u, top * 0.75, 0.6, 0.5)
    facade.band(model, "trim", tower.walls, (top - 0.2, top + 0.15), 0.25)
    roofs.spire(model, (x, side / 2 - 1.4), side / 2, top + 0.1, 7.0, 4 if b.seed % 3 else 8)
