"""What closes a building at the top."""

import numpy as np

from s2i.embedded.rendering import facade
from s2i.embedded.rendering.shapes import WORLD


def flat(model, mass, z, material="trim", parapet=0.5, out=0.15):
    """A flat roof behind a parapet."""
    model.add(model.part("roof"), "gravel", *_cap(mass.outline, z))
    facade.band(model, material, mass.walls, (z - 0.25, z + parapet), out)


def gabled(model, mass, z, rise, along="x", overhang=0.45):
    """Two slopes; the ridge runs `along` x or y.  The gables carry on the wall."""
    x0, x1, y0, y1 = mass.extent
    if along == "x":
        frame, _ = facade.straight(x1, y0, x1, y1)
        width, length = y1 - y0, x1 - x0
    else:
        frame, _ = facade.straight(x0, y0, x1, y0)
        width, length = x1 - x0, y1 - y0
    wall = model.part("wall")
    middle = width / 2
    for out in (0.0, -length):
        model.plate(wall, "wall", frame, [(0, z), (width, z), (middle, z + rise)], out)
    facade.rake(model, frame, middle, z, width, rise, (-length - overhang, overhang), thickness=0.25)


def tapered(model, outline, z, rise, inset, overhang=0.5, material="roof"):
    """Slopes on all sides: hipped, mansard or pyramid, as `inset` (dx, dy) from the eaves says."""
    x0, x1, y0, y1 = outline
    part = model.part("roof")

    def ring(dx, dy, height):
        return [
            (x0 + dx, -(y0 + dy), height),
            (x1 - dx, -(y0 + dy), height),
            (x1 - dx, -(y1 - dy), height),
            (x0 + dx, -(y1 - dy), height),
        ]

    eaves = ring(-overhang, -overhang, z)
    model.ribbon(part, "trim", WORLD, ring(-overhang, -overhang, z - 0.25), eaves)
    model.sheet(part, "trim", WORLD, ring(-overhang, -overhang, z - 0.25))
    top = ring(*inset, z + rise)
    model.ribbon(part, material, WORLD, eaves, top)
    model.sheet(part, material, WORLD, top)


def hipped(model, outline, z, rise):
    x0, x1, y0, y1 = outline
    half = min(x1 - x0, y1 - y0) / 2
    tapered(model, outline, z, rise, (half, half))


def dome(model, centre, radius, z, height=None, material="roof"):
    """A dome on a low drum, with a finial."""
    height = height or radius * 0.8
    part = model.part("roof")
    turn = np.linspace(0, np.pi / 2, 9)
    bowl = [(radius * np.cos(t), z + 0.35 + height * np.sin(t)) for t in turn]
    model.lathe(
        model.part("wall"), "trim", centre, [(radius + 0.3, z), (radius + 0.3, z + 0.35), (radius, z + 0.35)], 32
    )
    model.lathe(part, material, centre, bowl, 32)
    model.lathe(
        part, material, centre, [(0.18, z + height + 0.2), (0.22, z + height + 0.9), (0.0, z + height + 1.5)], 10
    )


def spire(model, centre, radius, z, height, sides=4, material="roof"):
    """A pyramid, an eight-sided spire or a cone."""
    turn = np.pi / sides if sides <= 8 else 0.0
    reach = radius / np.cos(np.pi / sides)
    part = model.part("roof")
    model.lathe(part, "trim", centre, [(reach + 0.1, z - 0.2), (reach + 0.35, z), (reach + 0.3, z + 0.12)], sides, turn)
    model.lathe(part, material, centre, [(reach + 0.3, z + 0.12), (0.06, z + height)], sides, turn)
    model.lathe(part, "charcoal", centre, [(0.07, z + height - 0.2), (0.05, z + height + 0.9)], 6)


def chimney(model, x, y, foot, top, material="chimney"):
    part = model.part("roof")
    model.box(part, material, WORLD, (x - 0.4, x + 0.4), (-y - 0.35, -y + 0.35), (foot, top), "b")
    model.box(part, "trim", WORLD, (x - 0.5, x + 0.5), (-y - 0.45, -y + 0.45), (top, top + 0.18))


def dormer(model, building, x, y, z, width=1.5, depth=2.4):
    """A window with a little gable, standing out of a slope that faces the front."""
    frame, _ = facade.straight(x - width / 2, y, x + width / 2, y)
    part = model.part("wall")
    model.box(part, "wall", frame, (0, width), (-depth, 0), (z - 0.6, z + 1.35), "b")
    facade.gable(model, part, "wall", frame, width / 2, z + 1.35, width, 0.6, (-depth, 0))
    facade.rake(model, frame, width / 2, z + 1.35, width, 0.6, (-depth, 0.25), thickness=0.15)
    facade.window(model, building, frame, width / 2, z + 0.1, width * 0.6, 1.1, "sash")


def _cap(outline, z):
    outline = np.asarray(outline, float)
    rim = np.column_stack([outline, np.full(len(outline), z)])
    vertices = np.concatenate([rim.mean(0, keepdims=True), rim])
    k = np.arange(len(outline))
    return vertices, vertices[:, :2], np.column_stack([np.zeros_like(k), k + 1, (k + 1) % len(outline) + 1])
