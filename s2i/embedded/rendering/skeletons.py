"""What is not finished yet: bare steel frames, brick shells with scaffolds before them."""

import numpy as np

from s2i.embedded.rendering import blocks, walls
from s2i.embedded.rendering.blocks import Mass
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.metalwork import railing
from s2i.embedded.rendering.openings import Opening
from s2i.embedded.rendering.shapes import Block, Frame, Model, Point
from s2i.embedded.rendering.tubes import tubes

STEEL_BAY, STEEL_STOREY = 4.4, 3.6  # metres
FLANGE, WEB = 0.15, 0.03  # metres, half the width of a steel section and of its web
DECK = 0.18  # metres, thickness of a floor
WALL = 0.3  # metres, thickness of an unfinished wall
LIFT = 2.0  # metres between the planks of a scaffold
CRANE_HEIGHT = 11.0  # metres above the building


def steel_frame(model: Model, building: Building, rng: np.random.Generator) -> None:
    """Columns and beams of a building to come, floors in part of its storeys."""
    columns = [(-building.bays * STEEL_BAY / 2 + i * STEEL_BAY) for i in range(building.bays + 1)]
    rows = [-j * STEEL_BAY for j in range(min(3, building.bays) + 1)]
    levels = [(k + 1) * STEEL_STOREY for k in range(building.storeys)]
    steel = Brush.new(model, "frame", "paint")
    top = levels[-1]
    for x in columns:
        for out in rows:
            height = top + (1.2 if rng.random() < 0.3 else 0.0)
            steel.boxes(_section((x, out), height))
            steel.of("raw concrete").box((x - 0.4, x + 0.4), (out - 0.4, out + 0.4), (0, 0.35))
    for z in levels:
        beams = [(columns[0], columns[-1], out, z) for out in rows]
        steel.boxes([block for u0, u1, out, z0 in beams for block in _beam_along((u0, u1), out, z0)])
        steel.boxes([block for x in columns for block in _beam_across(x, (rows[-1], rows[0]), z)])
    decked = int(rng.integers(0, len(levels)))
    for z in levels[:decked]:
        deck = Brush.new(model, "roof", "galvanised")
        deck.box((columns[0], columns[-1]), (rows[-1], rows[0]), (z + FLANGE, z + FLANGE + DECK))
        edge = [(columns[0], rows[0] - 0.1, z + 0.33), (columns[-1], rows[0] - 0.1, z + 0.33)]
        railing(Brush.new(model, "railing", "crane"), edge, spacing=1.6)
    if "braces" in building.features:
        _braces(steel, columns, rows, levels)
    if "crane" in building.features:
        _crane(model, (columns[-1] + 4.0, -rows[-1] + 3.0), top + CRANE_HEIGHT, float(rng.uniform(-0.6, 0.6)))


def _section(foot: tuple[float, float], height: float) -> list[Block]:
    """An upright I section at (x, out): two flanges and a web."""
    x, out = foot
    flanges = [
        (x - FLANGE, x + FLANGE, out + side - 0.02, out + side + 0.02, 0.35, height) for side in (-FLANGE, FLANGE)
    ]
    return [*flanges, (x - WEB, x + WEB, out - FLANGE, out + FLANGE, 0.35, height)]


def _beam_along(u: tuple[float, float], out: float, z: float) -> list[Block]:
    web = [(*u, out - WEB, out + WEB, z - 0.2, z + FLANGE)]
    return web + [(*u, out - 0.12, out + 0.12, at - 0.02, at + 0.02) for at in (z - 0.2, z + FLANGE)]


def _beam_across(x: float, out: tuple[float, float], z: float) -> list[Block]:
    web = [(x - WEB, x + WEB, *out, z - 0.2, z + FLANGE)]
    return web + [(x - 0.12, x + 0.12, *out, at - 0.02, at + 0.02) for at in (z - 0.2, z + FLANGE)]


def _braces(steel: Brush, columns: list[float], rows: list[float], levels: list[float]) -> None:
    """Crosses in the outermost bays of the front."""
    starts: list[Point] = []
    ends: list[Point] = []
    low = 0.35
    for z in levels:
        for a, b in ((columns[0], columns[1]), (columns[-2], columns[-1])):
            starts += [(a, rows[0], low), (b, rows[0], low)]
            ends += [(b, rows[0], z - 0.2), (a, rows[0], z - 0.2)]
        low = z + FLANGE
    tubes(steel, starts, ends, [0.05] * len(starts))


def _crane(model: Model, foot: tuple[float, float], height: float, turn: float) -> None:
    """A tower crane behind the building; it is not part of it."""
    frame = Frame(foot[0], foot[1], turn)
    lattice = Brush.new(model, "clutter", "crane", frame)
    starts: list[Point] = []
    ends: list[Point] = []
    corners = [(a, b) for a in (-0.6, 0.6) for b in (-0.6, 0.6)]
    for u, out in corners:
        starts.append((u, out, 0))
        ends.append((u, out, height))
    for k, z in enumerate(np.arange(0, height - 1.5, 1.5)):
        side = 0.6 if k % 2 else -0.6
        for o in (-0.6, 0.6):
            starts.append((-side, o, z))
            ends.append((side, o, z + 1.5))
            starts.append((o, -side, z))
            ends.append((o, side, z + 1.5))
    reach = (-22.0, 7.0)
    for out, z in ((-0.4, height), (0.4, height), (0.0, height + 1.0)):
        starts.append((reach[0], out, z))
        ends.append((reach[1], out, z))
    for k, u in enumerate(np.arange(reach[0], reach[1] - 1.4, 1.4)):
        low, high = (height, height + 1.0) if k % 2 else (height + 1.0, height)
        starts.append((u, 0.4 if k % 2 else 0.0, low))
        ends.append((u + 1.4, 0.0 if k % 2 else 0.4, high))
    starts += [(0, 0, height + 3.5), (0, 0, height + 3.5), (0, 0, height)]
    ends += [(reach[0] * 0.7, 0, height + 1.0), (reach[1], 0, height + 1.0), (0, 0, height + 3.5)]
    tubes(lattice, starts, ends, [0.07] * len(starts), sides=4)
    lattice.of("raw concrete").box((4.6, 6.6), (-0.7, 0.7), (height - 1.6, height))
    lattice.of("car white").box((-0.5, 0.9), (0.6, 1.9), (height - 1.6, height))


def unfinished_house(model: Model, building: Building, rng: np.random.Generator) -> None:
    """Thick walls with empty openings, floors of concrete, some with rafters on top or a scaffold before them."""
    width, depth = blocks.footprint(building, 7.5)
    storey, base = 3.0, 0.3
    eaves = base + building.storeys * storey
    outside = blocks.oblong(-width / 2, width / 2, 0, depth)
    inside = blocks.oblong(-width / 2 + WALL, width / 2 - WALL, WALL, depth - WALL)
    blocks.raise_walls(model, outside, (0, eaves))
    part = model.part("wall")
    for wall in inside.walls:
        walls.raise_wall(model, wall, (0, eaves), "block work", part)
    for number, bays in ((0, building.bays), (1, 2), (3, 2)):
        _holes(model, outside, number, (bays, building.storeys), (base, storey))
    floors = Brush.new(model, "wall", "raw concrete")
    for k in range(building.storeys + 1):
        z = base + k * storey
        floors.box((-width / 2 + 0.02, width / 2 - 0.02), (-depth + 0.02, -0.02), (z - DECK, z))
    _wall_tops(model, outside, eaves, rng)
    if "rafters" in building.features:
        _rafters(model, outside, eaves)
    if "scaffold" in building.features:
        _scaffold(model, width, eaves)
    _heaps(model, rng, outside)


def _holes(model: Model, mass: Mass, number: int, count: tuple[int, int], z: tuple[float, float]) -> None:
    """Openings through both leaves of a wall: (bays, storeys) of them over (base, storey), with lintels and reveals."""
    frame, length = mass.walls[number]
    (bays, storeys), (base, storey) = count, z
    concrete = Brush.new(model, "wall", "raw concrete", frame)
    inner = [panel for panel in model.panels if panel.material == "block work"][-4:][number]
    for j in range(storeys):
        for i in range(bays):
            entrance = number == 0 and j == 0 and i == bays // 2
            u = length * (i + 0.5) / bays
            opening = Opening(u, base, 1.2, 2.2) if entrance else Opening(u, base + j * storey + 0.9, 1.3, 1.35)
            outline = opening.outline()
            if not walls.cut(model, frame, outline):
                continue
            inner.holes.append(outline - (WALL, 0.0))
            ring = [
                (at, opening.sill if k < 2 else opening.head)
                for k, at in enumerate((*opening.span, *opening.span[::-1]))
            ]
            reveal = Brush.new(model, "wall", "wall", frame)
            reveal.ribbon([(a, 0.0, b) for a, b in ring], [(a, -WALL, b) for a, b in ring])
            u0, u1 = opening.span
            concrete.boxes([(u0 - 0.2, u1 + 0.2, -0.02, 0.02, opening.head, opening.head + 0.22)])


def _wall_tops(model: Model, mass: Mass, eaves: float, rng: np.random.Generator) -> None:
    """The uppermost courses step up and down, as they do before the last are laid."""
    wall = Brush.new(model, "wall", "wall")
    for frame, length in mass.walls:
        at = 0.0
        while at < length - 0.1:
            run = min(float(rng.uniform(0.8, 2.2)), length - at)
            wall.on(frame).box((at, at + run), (-WALL, 0), (eaves, eaves + 0.22 * int(rng.integers(1, 4))))
            at += run


def _rafters(model: Model, mass: Mass, eaves: float) -> None:
    """Timbers of a roof without its tiles."""
    x0, x1, y0, y1 = mass.extent
    timber = Brush.new(model, "roof", "timber")
    middle, rise, foot = (y0 + y1) / 2, (y1 - y0) * 0.38, eaves + 0.45
    starts: list[Point] = []
    ends: list[Point] = []
    for x in np.linspace(x0 + 0.1, x1 - 0.1, max(8, round((x1 - x0) / 0.8))):
        starts += [(x, -y0 + 0.4, foot - 0.2), (x, -y1 - 0.4, foot - 0.2)]
        ends += [(x, -middle, foot + rise)] * 2
    starts += [(x0 - 0.3, -middle, foot + rise)]
    ends += [(x1 + 0.3, -middle, foot + rise)]
    for share in (0.15, 0.5):
        for side in (-y0 + 0.4 - share * (middle - y0 + 0.4), -y1 - 0.4 + share * (y1 - middle + 0.4)):
            starts.append((x0 - 0.2, side, foot - 0.2 + share * (rise + 0.2)))
            ends.append((x1 + 0.2, side, foot - 0.2 + share * (rise + 0.2)))
    tubes(timber, starts, ends, [0.08] * len(starts), sides=4)


def _scaffold(model: Model, width: float, eaves: float) -> None:
    """Poles, planks and guard rails before the front."""
    frame = Frame(-width / 2, 0.0)
    poles = Brush.new(model, "scaffold", "galvanised", frame)
    levels = np.arange(LIFT, eaves, LIFT)
    uprights = np.linspace(-0.5, width + 0.5, max(4, round(width / 2.2) + 1))
    starts: list[Point] = []
    ends: list[Point] = []
    for u in uprights:
        for out in (0.5, 1.5):
            starts.append((u, out, 0))
            ends.append((u, out, levels[-1] + 1.1))
    for z in levels:
        for out, lift in ((0.5, 0), (1.5, 0), (1.5, 0.55), (1.5, 1.0)):
            starts.append((uprights[0], out, z + lift))
            ends.append((uprights[-1], out, z + lift))
    for k, z in enumerate(levels):
        a, b = uprights[k % (len(uprights) - 1)], uprights[k % (len(uprights) - 1) + 1]
        starts.append((a, 1.5, z - LIFT))
        ends.append((b, 1.5, z))
    tubes(poles, starts, ends, [0.035] * len(starts))
    planks = poles.of("plank")
    for z in levels:
        planks.box((uprights[0], uprights[-1]), (0.55, 1.45), (z + 0.03, z + 0.08))


def _heaps(model: Model, rng: np.random.Generator, mass: Mass) -> None:
    """Bricks on pallets and a heap of sand before the house."""
    x0, x1, y0, _ = mass.extent
    for _ in range(int(rng.integers(1, 4))):
        x, out = float(rng.uniform(x0 - 1.5, x1)), float(rng.uniform(2.6, 4.0))
        pallet = Brush.new(model, "clutter", "plank")
        pallet.box((x, x + 1.1), (out, out + 0.9), (0, 0.12))
        pallet.of("brick pile").box(
            (x + 0.04, x + 1.06), (out + 0.04, out + 0.86), (0.12, 0.12 + rng.uniform(0.4, 1.0))
        )
    side = x0 - 1.6 if rng.random() < 0.5 else x1 + 1.6
    heap = Brush.new(model, "clutter", "sand")
    heap.blob((side, y0 - 1.0, 0.0), (1.4, 1.2, 0.9), rng, 0.05)
