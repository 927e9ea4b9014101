"""What hangs on a wall or stands before it: balconies, bands, columns, porticoes, gables, buttresses."""

import itertools
from dataclasses import dataclass

import numpy as np

from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.shapes import Faces, Frame, Model, Span, Wall

RAILING_HEIGHT = 1.05  # metres
PITCH_OF_PEDIMENTS = 0.19  # rise over width


@dataclass(frozen=True)
class Ledge:
    """A floor that reaches out of a wall: its middle along the wall, its height, its size, all in metres."""

    u: float
    z: float
    width: float
    depth: float = 1.2


@dataclass(frozen=True)
class Gable:
    """A triangle over a wall: its middle, the height of its eaves, its width and how much it rises, in metres."""

    u: float
    eaves: float
    width: float
    rise: float


@dataclass(frozen=True)
class Portico:
    """Columns under a pediment: its middle, size, the heights of its floor and of the columns' heads, in metres."""

    u: float
    width: float
    depth: float
    floor: float
    head: float
    columns: int


def balcony(model: Model, building: Building, frame: Frame, ledge: Ledge) -> None:
    """A slab with a railing: of bars, solid or of glass, as the style and the seed say."""
    slab = Brush.new(model, "balcony", "slab", frame)
    low, high = ledge.u - ledge.width / 2, ledge.u + ledge.width / 2
    depth, floor, top = ledge.depth, ledge.z, ledge.z + RAILING_HEIGHT
    slab.box((low, high), (0, depth), (floor - 0.2, floor))
    kind = "bars" if building.style != "modern" else ("solid", "glazed", "bars")[building.seed % 3]
    edges = [((low, high), (depth - 0.06, depth)), ((low, low + 0.06), (0, depth)), ((high - 0.06, high), (0, depth))]
    if kind != "bars":
        parapet = slab if kind == "solid" else slab.of("rail glass")
        for along, out in edges:
            parapet.box(along, out, (floor, top))
        if kind == "glazed":
            slab.of("iron").boxes([(*along, *out, top, top + 0.05) for along, out in edges])
        return
    dark = building.style == "modern" or building.color in ("white", "pink", "yellow")
    rail = slab.of("iron" if dark else "white")
    slim = 0.02 if dark else 0.035
    rails = [(*along, *out, z, z + 0.06) for along, out in edges for z in (floor + 0.08, top - 0.06)]
    across = np.linspace(low + slim, high - slim, max(4, round(ledge.width / (8 * slim))))
    sides = np.linspace(0.1, depth - 0.1, max(3, round(depth / (8 * slim))))
    uprights = [(u - slim, u + slim, depth - 0.05, depth - 0.01, floor, top) for u in across]
    uprights += [(u, u + 0.04, out - slim, out + slim, floor, top) for u in (low, high - 0.04) for out in sides]
    rail.boxes(rails + uprights)


def band(model: Model, material: str, walls: list[Wall], z: Span, out: float) -> None:
    """A plinth, string course or cornice: a course that runs round all `walls` and stands out by `out` metres."""
    brush = Brush.new(model, "wall", material)
    for frame, length in walls:
        over = out if frame.radius is None else 0.0
        brush.on(frame).box((-over, length + over), (0.0, out), z)


def column(model: Model, frame: Frame, foot: tuple[float, float], z: Span, radius: float = 0.32) -> None:
    """A round column at `foot` (u, out) on a square base, with a square head."""
    brush = Brush.new(model, "column", "column", frame)
    u, out = foot
    low, high = z
    x, y, _ = frame([(u, out, 0)])[0]
    edge = radius * 1.35
    for z0, z1 in ((low, low + radius * 0.6), (high - radius * 0.7, high)):
        brush.box((u - edge, u + edge), (out - edge, out + edge), (z0, z1))
    foot_of_shaft, head = low + radius * 0.6, high - radius * 0.7
    base = [
        (radius * 1.2, foot_of_shaft),
        (radius * 1.2, foot_of_shaft + radius * 0.3),
        (radius, foot_of_shaft + radius * 0.5),
    ]
    capital = [(radius * 0.84, head - radius * 0.5), (radius * 1.2, head - radius * 0.1), (radius * 1.2, head)]
    brush.lathe((x, y), [*base, (radius * 0.98, low + (high - low) * 0.35), *capital], sides=18)


def portico(model: Model, frame: Frame, shape: Portico) -> None:
    """Columns under an architrave and a pediment, on a floor that reaches out from the wall."""
    wall = Brush.new(model, "wall", "trim", frame)
    u, width, depth, floor, head = shape.u, shape.width, shape.depth, shape.floor, shape.head
    stairs = Brush.new(model, "stairs", "kerb", frame)
    steps = max(1, round(floor / 0.2))
    for step in range(steps):
        spread = 0.34 * (steps - step)
        span = (u - width / 2 - spread, u + width / 2 + spread)
        z = floor * step / steps, floor * (step + 1) / steps
        stairs.box(span, (0, depth + spread), z, Faces.BOTTOM | Faces.INSIDE)
    for k in range(shape.columns):
        at = u - width / 2 + 0.5 + (width - 1.0) * k / (shape.columns - 1)
        column(model, frame, (at, depth - 0.5), (floor, head), radius=min(0.42, width / shape.columns / 5))
    wall.box((u - width / 2, u + width / 2), (0, depth), (head, head + 0.55))
    pediment = Gable(u, head + 0.55, width, width * PITCH_OF_PEDIMENTS)
    gable(wall.of("wall"), pediment, (0, depth - 0.25))
    rake(model, frame, pediment, (0, depth + 0.15))


def gable(brush: Brush, shape: Gable, out: Span) -> None:
    """A triangular block between the pair `out`."""
    half = shape.width / 2
    eaves = shape.eaves
    outline = [(shape.u - half, eaves), (shape.u + half, eaves), (shape.u, eaves + shape.rise)]
    brush.prism(outline, out)


def rake(model: Model, frame: Frame, shape: Gable, out: Span, thickness: float = 0.28) -> None:
    """The two sloping slabs of roof over a gable, between the pair `out`."""
    roof = Brush.new(model, "roof", "roof", frame)
    half, ridge = shape.width / 2 + 0.3, shape.eaves + shape.rise
    for side in (-1, 1):
        low = (shape.u + side * half, shape.eaves - 0.3 * shape.rise / (shape.width / 2))
        outline = [low, (shape.u, ridge), (shape.u, ridge + thickness), (low[0], low[1] + thickness)]
        roof.prism(outline, out, back=True)


def quoins(model: Model, wall: Wall, z: Span) -> None:
    """Long and short stones at both ends of a wall."""
    frame, length = wall
    count = max(2, round((z[1] - z[0]) / 0.45))
    levels = np.linspace(z[0], z[1], count + 1)
    stones = []
    for k, (z0, z1) in enumerate(itertools.pairwise(levels)):
        run = 0.55 if k % 2 else 0.35
        for u0, u1 in ((-0.05, run), (length - run, length + 0.05)):
            stones.append((u0, u1, -0.02, 0.05, z0 + 0.02, z1 - 0.02))
    Brush.new(model, "wall", "trim", frame).boxes(stones)


def buttress(model: Model, frame: Frame, ledge: Ledge) -> None:
    """A stepped gothic pier, which `ledge.z` metres of wall lean on."""
    brush = Brush.new(model, "wall", "wall", frame)
    low, high = ledge.u - ledge.width / 2, ledge.u + ledge.width / 2
    for reach, top in ((ledge.depth, ledge.z * 0.55), (ledge.depth * 0.6, ledge.z * 0.85)):
        brush.box((low, high), (0, reach), (0, top))
        slope = [(low, 0, top + 0.5), (high, 0, top + 0.5), (high, reach, top), (low, reach, top)]
        brush.of("trim").sheet(slope)
