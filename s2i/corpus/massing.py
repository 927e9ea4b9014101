"""From a drawn building to its triangles: one function a structure."""

from dataclasses import dataclass

import numpy as np

from s2i.corpus import facade, roofs
from s2i.corpus.shapes import Frame


@dataclass(frozen=True)
class Mass:
    """A block that stands on the ground: its walls [(frame, length), front first] and its outline seen from above."""

    walls: list
    outline: np.ndarray

    @property
    def extent(self):
        (x0, y0), (x1, y1) = self.outline.min(0), self.outline.max(0)
        return float(x0), float(x1), float(y0), float(y1)


def oblong(x0, x1, y0, y1):
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    walls = [facade.straight(*here, *there) for here, there in zip(corners, corners[1:] + corners[:1], strict=True)]
    return Mass(walls, np.array(corners, float))


def drum(x, y, radius):
    """Only the two thirds of the round that a camera in front can see carry windows; the wall goes all round."""
    angles = np.linspace(0, 2 * np.pi, 49)[:-1]
    return Mass(
        [(Frame(x, y, -np.pi, radius), 2 * np.pi * radius)],
        np.column_stack([x + radius * np.sin(angles), y - radius * np.cos(angles)]),
    )


def bow(width, depth):
    """An oblong whose front swells towards the street."""
    radius = width * 0.62
    half = np.arcsin(width / 2 / radius)
    centre = radius * np.cos(half)
    front = Frame(0.0, centre, -half, radius)
    length = 2 * half * radius
    arc = front([(u, 0, 0) for u in np.linspace(0, length, 15)])[:, :2]
    back = oblong(-width / 2, width / 2, 0, depth).walls[1:]
    return Mass([(front, length), *back], np.concatenate([arc, [(width / 2, depth), (-width / 2, depth)]]))


def raise_walls(model, mass, z, material="wall"):
    part = model.part("wall")
    for frame, length in mass.walls:
        model.sheet(part, material, frame, [(0, 0, z[0]), (length, 0, z[0]), (length, 0, z[1]), (0, 0, z[1])])


def build(model, building):
    """Adds the building to `model`, its front in the plane y = 0, its middle at x = 0."""
    rng = np.random.default_rng([building.seed, 7])
    _BUILDERS[building.structure](model, building, rng)


def _openings(model, b, wall, storeys, bays, base, entrance=None, balconies=False, arc=None, height=None):
    """Rows of windows on one wall, a door in the bay `entrance`, balconies on upper storeys."""
    frame, length = wall
    start, run = (0.0, length) if arc is None else arc
    storey = height or b.storey_height
    pitch = run / bays
    tall = {"neoclassical": 0.56, "gothic": 0.66, "modern": 0.5}.get(b.style, 0.5) * storey
    wide = min({"modern": 0.62, "gothic": 0.46, "rural": 0.4, "american": 0.42}.get(b.style, 0.44) * pitch, 1.9)
    for j in range(storeys):
        floor = base + j * storey
        for i in range(bays):
            u = start + (i + 0.5) * pitch
            if j == 0 and i == entrance:
                facade.door(model, b, frame, u, base, height=min(2.5, storey * 0.78))
            elif balconies and j > 0 and i in _balcony_bays(b, bays):
                facade.window(model, b, frame, u, floor + 0.05, wide, 2.3, None if b.style != "rural" else "sash")
                facade.balcony(model, b, frame, u, floor, pitch * 0.86, depth=1.3)
            else:
                facade.window(model, b, frame, u, floor + 0.9, wide, tall)


def _balcony_bays(b, bays):
    if b.structure in ("house", "mansion", "townhouse"):
        return (bays // 2,)
    return range(0, bays, 2) if b.seed % 2 else range(bays)


def _panes(model, b, wall, storeys, bays, base, arc=None, entrance=None):
    """A curtain wall: one large pane a bay and storey between thin mullions."""
    frame, length = wall
    start, run = (0.0, length) if arc is None else arc
    pitch, storey, gap = run / bays, b.storey_height, 0.16
    for j in range(storeys):
        for i in range(bays):
            u, floor = start + (i + 0.5) * pitch, base + j * storey
            if j == 0 and i == entrance:
                facade.door(model, b, frame, u, base)
                continue
            part = model.part("window")
            low, high = u - pitch / 2 + gap, u + pitch / 2 - gap
            corners = [
                (low, 0.04, floor + 0.5),
                (high, 0.04, floor + 0.5),
                (high, 0.04, floor + storey - 0.1),
                (low, 0.04, floor + storey - 0.1),
            ]
            model.sheet(part, "tinted", frame, corners)
    mullion = model.part("wall")
    for i in range(bays + 1):
        u = start + i * pitch
        model.box(mullion, "steel", frame, (u - 0.09, u + 0.09), (0, 0.2), (base, base + storeys * storey), "ib")


def _block(model, b, mass, base, arc=None, side_bays=2, entrance=None):
    """Walls, plinth, openings and string courses of a plain block; returns the height of the eaves."""
    eaves = base + b.storeys * b.storey_height
    raise_walls(model, mass, (0, eaves))
    facade.band(model, "kerb", mass.walls, (0, base), 0.12)
    fill = _panes if b.glass else _openings
    extra = {} if b.glass else {"balconies": b.balconies}
    entrance = b.bays // 2 if entrance is None else entrance
    bays = b.bays if arc is None else b.bays + 1
    fill(model, b, mass.walls[0], b.storeys, bays, base, entrance=entrance, arc=arc, **extra)
    if arc is None:
        for wall in (mass.walls[1], mass.walls[-1]):
            fill(model, b, wall, b.storeys, side_bays, base)
    if b.style == "neoclassical":
        facade.band(model, "trim", mass.walls, (base + b.storey_height - 0.15, base + b.storey_height + 0.1), 0.15)
    return eaves


def _footprint(b, depth=None):
    width = b.bays * b.bay_width + 0.8
    return width, depth or float(np.clip(width * 0.7, 6.0, 9.0))


def _close(model, b, mass, eaves, rng, rise=None):
    """The roof that the building was drawn with, on an oblong block."""
    x0, x1, y0, y1 = mass.extent
    width, depth = x1 - x0, y1 - y0
    if b.roof == "flat":
        if b.style in ("neoclassical", "gothic", "american"):
            facade.band(model, "trim", mass.walls, (eaves, eaves + 0.35), 0.45)
            eaves += 0.35
        roofs.flat(model, mass, eaves, "wall" if b.style == "modern" else "trim")
    elif b.roof == "hipped":
        roofs.hipped(model, mass.extent, eaves + 0.25, rise or depth * 0.36)
    elif b.roof == "mansard":
        roofs.tapered(model, mass.extent, eaves + 0.25, 2.6, (0.9, 0.9), overhang=0.35)
        for k in range(b.bays):
            roofs.dormer(model, b, x0 + width * (k + 0.5) / b.bays, y0 + 0.15, eaves + 0.6, depth=1.2)
    else:
        roofs.gabled(model, mass, eaves, rise or depth * 0.42)
    if b.roof in ("pitched", "hipped", "mansard") and b.style != "gothic":
        x = x0 + width * (0.25 if rng.random() < 0.5 else 0.75)
        top = eaves + (rise or depth * 0.42) + (0.7 if b.roof == "pitched" else 0.2)
        roofs.chimney(model, x, y0 + depth * 0.62, eaves, top)


def _house(model, b, rng):
    width, depth = _footprint(b)
    mass = oblong(-width / 2, width / 2, 0, depth)
    base = 0.5
    eaves = _block(model, b, mass, base)
    _close(model, b, mass, eaves, rng)
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


def _villa(model, b, rng):
    """Two stacked blocks, the upper one reaching over the lower."""
    width, depth = _footprint(b, 7.0)
    base, storey = 0.3, b.storey_height
    side = -1 if b.seed % 2 else 1
    lower = oblong(-width / 2 - 1.2, width / 2 + 1.2, 0, depth)
    upper = oblong(-width / 2 + side * 1.0, width / 2 + side * 1.8, -1.3, depth - 1)
    raise_walls(model, lower, (0, base + storey))
    facade.band(model, "kerb", lower.walls, (0, base), 0.12)
    _openings(model, b, lower.walls[0], 1, b.bays + 1, base, entrance=b.bays // 2)
    for wall in (lower.walls[1], lower.walls[-1]):
        _openings(model, b, wall, 1, 2, base)
    roofs.flat(model, lower, base + storey, "slab", parapet=0.15, out=0.3)
    raise_walls(model, upper, (base + storey + 0.15, base + 2 * storey + 0.15))
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
        _openings(model, b, wall, 1, 1, floor)
    top = base + 2 * storey + 0.15
    if b.roof == "flat":
        roofs.flat(model, upper, top, "slab", parapet=0.25, out=0.45)
    else:
        roofs.gabled(model, upper, top, 2.0)


def _slab_block(model, b, rng):
    """Apartment blocks and offices."""
    width, depth = _footprint(b, 7.5)
    mass = bow(width, depth) if b.curved else oblong(-width / 2, width / 2, 0, depth)
    eaves = _block(model, b, mass, 0.4)
    if b.roof == "flat":
        roofs.flat(model, mass, eaves, "wall" if not b.glass else "steel", parapet=0.6)
        part = model.part("roof")
        frame, _ = facade.straight(-width * 0.2, depth * 0.4, width * 0.1, depth * 0.4)
        model.box(part, "slab", frame, (0, width * 0.3), (-2.5, 0), (eaves, eaves + 1.6), "b")
    else:
        _close(model, b, mass, eaves, rng)


def _tower(model, b, rng):
    side = b.bays * b.bay_width * 1.1 + 0.6
    base = 0.5
    if b.curved:
        radius = side * 0.55
        mass = drum(0, radius, radius)
        turn = np.radians(200)
        arc = (np.pi * radius - turn * radius / 2, turn * radius)
        eaves = _block(model, b, mass, base, arc=arc)
    else:
        mass = oblong(-side / 2, side / 2, 0, side)
        eaves = _block(model, b, mass, base, side_bays=b.bays)
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


def _pavilion(model, b, rng):
    base, storey = 0.6, b.storey_height + 0.4
    if b.style == "neoclassical" or b.curved:
        radius = b.bays * 1.15
        mass = drum(0, radius + 1.2, radius)
        raise_walls(model, mass, (0, base + storey))
        turn = np.radians(210)
        arc = (np.pi * radius - turn * radius / 2, turn * radius)
        fill = _panes if b.glass else _openings
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
    width, depth = _footprint(b, 6.5)
    mass = oblong(-width / 2, width / 2, 0, depth)
    eaves = _block(model, b, mass, base)
    part = model.part("roof")
    frame = mass.walls[0][0]
    model.box(
        part, "steel" if b.glass else "slab", frame, (-1.3, width + 1.3), (-depth - 0.8, 1.8), (eaves, eaves + 0.45)
    )
    for u in (-0.8, width + 0.8):
        facade.column(model, frame, u, 1.3, (0, eaves), 0.16)


def _temple(model, b, rng):
    width = b.bays * 2.2 + 1.0
    depth, base, head = 9.0, 1.2, 1.2 + b.storey_height * 1.5
    mass = oblong(-width / 2 + 0.5, width / 2 - 0.5, 2.2, depth)
    raise_walls(model, mass, (0, head + 0.55))
    for wall in (mass.walls[1], mass.walls[-1]):
        _openings(model, b, wall, 1, 2, base + 0.4)
    facade.band(model, "kerb", mass.walls, (0, base), 0.4)
    front, length = mass.walls[0]
    facade.door(model, b, front, length / 2, base, width=1.7, height=3.0)
    for u in (length * 0.18, length * 0.82):
        facade.window(model, b, front, u, base + 1.0, 1.3, 2.0)
    facade.portico(model, b, front, length / 2, width, 2.4, (base, head), b.bays + (b.bays % 2))
    facade.band(model, "trim", mass.walls[1:], (head, head + 0.55), 0.4)
    roofs.gabled(model, oblong(-width / 2, width / 2, 0.2, depth), head + 0.5, width * 0.19, along="y", overhang=0.2)


def _mansion(model, b, rng):
    width, depth = _footprint(b, 8.5)
    base = 0.9
    mass = oblong(-width / 2, width / 2, 0, depth)
    eaves = _block(model, b, mass, base, side_bays=2)
    facade.band(model, "trim", mass.walls, (eaves - 0.1, eaves + 0.3), 0.4)
    _close(model, b, mass, eaves + 0.2, rng)
    if b.columns:
        facade.portico(model, b, mass.walls[0][0], width / 2, width * 0.44, 2.6, (base, eaves - 0.3), 4)
    if b.curved:
        radius = 2.0
        turret = drum(-width / 2, 0.6, radius)
        raise_walls(model, turret, (0, eaves + 0.8))
        arc = (np.pi * radius - np.radians(110) * radius, np.radians(160) * radius)
        _openings(model, b, turret.walls[0], b.storeys, 2, base, arc=arc)
        roofs.spire(model, (-width / 2, 0.6), radius, eaves + 0.8, 4.0, 28)


def _townhouse(model, b, rng):
    width, depth = _footprint(b, 8.0)
    mass = oblong(-width / 2, width / 2, 0, depth)
    base = 0.9
    eaves = _block(model, b, mass, base, entrance=0 if b.seed % 2 else b.bays - 1)
    if b.roof == "pitched":
        roofs.gabled(model, mass, eaves, width * (0.75 if b.style == "gothic" else 0.5), along="y", overhang=0.3)
        kind = "pointed" if b.style == "gothic" else "arched"
        facade.window(model, b, mass.walls[0][0], width / 2, eaves + 0.7, 1.1, 1.6, kind)
    else:
        _close(model, b, mass, eaves, rng)


def _church(model, b, rng):
    width, depth, eaves = b.bays * 2.0 + 1.2, 11.0, 5.4
    base = 0.5
    nave = oblong(-width / 2, width / 2, 0, depth)
    raise_walls(model, nave, (0, eaves))
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
    tower = oblong(x - side / 2, x + side / 2, -1.4, side - 1.4)
    top = eaves + width * 0.62 + 2.0
    raise_walls(model, tower, (0, top))
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


def _cottage(model, b, rng):
    width, depth = _footprint(b, 6.0)
    mass = oblong(-width / 2, width / 2, 0, depth)
    base = 0.3
    eaves = _block(model, b, mass, base)
    roofs.gabled(model, mass, eaves, 3.0, overhang=0.5)
    roofs.chimney(model, width * (0.33 if b.seed % 2 else -0.33), depth * 0.55, eaves + 1, eaves + 3.9, "rubble")
    if b.bays == 3:
        for x in (-width * 0.25, width * 0.25):
            roofs.dormer(model, b, x, 0.5, eaves + 0.35)
    else:
        roofs.dormer(model, b, 0, 0.5, eaves + 0.35)


def _barn(model, b, rng):
    """A steep gable (american: broken, as a gambrel) over a wide cross-braced door."""
    width, depth, eaves = 7.6 + b.bays * 0.6, 10.0, 3.6
    mass = oblong(-width / 2, width / 2, 0, depth)
    raise_walls(model, mass, (0, eaves))
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


_BUILDERS = {
    "villa": _villa,
    "house": _house,
    "apartment block": _slab_block,
    "office building": _slab_block,
    "tower": _tower,
    "pavilion": _pavilion,
    "temple": _temple,
    "mansion": _mansion,
    "townhouse": _townhouse,
    "church": _church,
    "cottage": _cottage,
    "barn": _barn,
}
