"""Blocks that buildings are put together from: walls with their openings, and the roof on top."""

from dataclasses import dataclass

import numpy as np

from s2i.embedded.rendering import facade, roofs
from s2i.embedded.rendering.shapes import Frame


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


def openings(model, b, wall, storeys, bays, base, entrance=None, balconies=False, arc=None, height=None):
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


def panes(model, b, wall, storeys, bays, base, arc=None, entrance=None):
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


def block(model, b, mass, base, arc=None, side_bays=2, entrance=None):
    """Walls, plinth, openings and string courses of a plain block; returns the height of the eaves."""
    eaves = base + b.storeys * b.storey_height
    raise_walls(model, mass, (0, eaves))
    facade.band(model, "kerb", mass.walls, (0, base), 0.12)
    fill = panes if b.glass else openings
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


def footprint(b, depth=None):
    width = b.bays * b.bay_width + 0.8
    return width, depth or float(np.clip(width * 0.7, 6.0, 9.0))


def close(model, b, mass, eaves, rng, rise=None):
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
