"""What closes a building at the top."""

import numpy as np

from s2i.embedded.rendering import facade
from s2i.embedded.rendering.blocks import Mass
from s2i.embedded.rendering.brush import Brush, fan
from s2i.embedded.rendering.facade import Gable
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.openings import Opening, window
from s2i.embedded.rendering.shapes import Faces, Model, Point, wall_between

PITCH = 0.42  # rise of a gabled roof over the building's depth
HIP = 0.36  # the same of a hipped one
CORNICE = 0.35  # metres
DORMER_WIDTH = 1.5  # metres
Extent = tuple[float, float, float, float]  # x0, x1, y0, y1 in metres


def close(model: Model, building: Building, mass: Mass, eaves: float, rng: np.random.Generator) -> None:
    """The roof that the building was drawn with, on an oblong block whose walls end at `eaves` metres."""
    x0, x1, y0, y1 = mass.extent
    width, depth = x1 - x0, y1 - y0
    if building.roof == "flat":
        if building.style in ("neoclassical", "gothic", "american"):
            facade.band(model, "trim", mass.walls, (eaves, eaves + CORNICE), 0.45)
            eaves += CORNICE
        flat(model, mass, eaves, "wall" if building.style == "modern" else "trim")
    elif building.roof == "hipped":
        hipped(model, mass.extent, eaves + 0.25, depth * HIP)
    elif building.roof == "mansard":
        tapered(model, mass.extent, eaves + 0.25, 2.6, (0.9, 0.9), overhang=0.35)
        for k in range(building.bays):
            dormer(model, building, (x0 + width * (k + 0.5) / building.bays, y0 + 0.15, eaves + 0.6), depth=1.2)
    else:
        gabled(model, mass, eaves, depth * PITCH)
    if building.roof in ("pitched", "hipped", "mansard") and building.style != "gothic":
        x = x0 + width * (0.25 if rng.random() < 0.5 else 0.75)
        top = eaves + depth * PITCH + (0.7 if building.roof == "pitched" else 0.2)
        chimney(model, (x, y0 + depth * 0.62), eaves, top)


def flat(model: Model, mass: Mass, z: float, material: str = "trim", parapet: float = 0.5, out: float = 0.15) -> None:
    """A flat roof at `z` metres behind a parapet."""
    rim = np.column_stack([mass.outline, np.full(len(mass.outline), z)])
    vertices = np.concatenate([rim.mean(0, keepdims=True), rim])
    Brush.new(model, "roof", "gravel").add(vertices, vertices[:, :2], fan(len(rim)))
    facade.band(model, material, mass.walls, (z - 0.25, z + parapet), out)


def gabled(model: Model, mass: Mass, z: float, rise: float, front_gable: bool = False, overhang: float = 0.45) -> None:
    """Two slopes from `z` metres up; the gables, at the sides or at front and back, carry on the wall."""
    x0, x1, y0, y1 = mass.extent
    if front_gable:
        frame, _ = wall_between(x0, y0, x1, y0)
        width, length = x1 - x0, y1 - y0
    else:
        frame, _ = wall_between(x1, y0, x1, y1)
        width, length = y1 - y0, x1 - x0
    wall = Brush.new(model, "wall", "wall", frame)
    middle = width / 2
    for out in (0.0, -length):
        wall.plate([(0, z), (width, z), (middle, z + rise)], out)
    facade.rake(model, frame, Gable(middle, z, width, rise), (-length - overhang, overhang), thickness=0.25)


def tapered(
    model: Model, extent: Extent, z: float, rise: float, inset: tuple[float, float], overhang: float = 0.5
) -> None:
    """Slopes on all sides from `z` metres up: hipped, mansard or pyramid, as `inset` (dx, dy) from the walls says."""
    x0, x1, y0, y1 = extent
    trim = Brush.new(model, "roof", "trim")
    roof = trim.of("roof")

    def ring(dx: float, dy: float, height: float) -> list[Point]:
        return [
            (x0 + dx, -(y0 + dy), height),
            (x1 - dx, -(y0 + dy), height),
            (x1 - dx, -(y1 - dy), height),
            (x0 + dx, -(y1 - dy), height),
        ]

    eaves = ring(-overhang, -overhang, z)
    trim.ribbon(ring(-overhang, -overhang, z - 0.25), eaves)
    trim.sheet(ring(-overhang, -overhang, z - 0.25))
    top = ring(*inset, z + rise)
    roof.ribbon(eaves, top)
    roof.sheet(top)


def hipped(model: Model, extent: Extent, z: float, rise: float) -> None:
    """Slopes on all sides that meet in a ridge."""
    x0, x1, y0, y1 = extent
    half = min(x1 - x0, y1 - y0) / 2
    tapered(model, extent, z, rise, (half, half))


def dome(model: Model, centre: Point, radius: float, z: float) -> None:
    """A dome on a low drum, with a finial."""
    height = radius * 0.8
    roof, drum = Brush.new(model, "roof", "roof"), Brush.new(model, "wall", "trim")
    turn = np.linspace(0, np.pi / 2, 9)
    bowl = [(radius * np.cos(t), z + 0.35 + height * np.sin(t)) for t in turn]
    drum.lathe(centre, [(radius + 0.3, z), (radius + 0.3, z + 0.35), (radius, z + 0.35)], 32)
    roof.lathe(centre, bowl, 32)
    roof.lathe(centre, [(0.18, z + height + 0.2), (0.22, z + height + 0.9), (0.0, z + height + 1.5)], 10)


def spire(model: Model, centre: Point, radius: float, z: float, height: float, sides: int = 4) -> None:
    """A pyramid, an eight-sided spire or a cone over a tower of `radius` metres."""
    turn = np.pi / sides if sides <= 8 else 0.0
    reach = radius / np.cos(np.pi / sides)
    roof = Brush.new(model, "roof", "roof")
    eaves = [(reach + 0.1, z - 0.2), (reach + 0.35, z), (reach + 0.3, z + 0.12)]
    roof.of("trim").lathe(centre, eaves, sides, turn)
    roof.lathe(centre, [(reach + 0.3, z + 0.12), (0.06, z + height)], sides, turn)
    roof.of("charcoal").lathe(centre, [(0.07, z + height - 0.2), (0.05, z + height + 0.9)], 6)


def chimney(model: Model, foot: Point, z0: float, z1: float, material: str = "chimney") -> None:
    """A chimney at `foot` (x, y) between two heights, with a capstone."""
    x, y = foot
    brush = Brush.new(model, "chimney", material)
    brush.box((x - 0.4, x + 0.4), (-y - 0.3, -y + 0.3), (z0, z1), Faces.BOTTOM)
    brush.box((x - 0.46, x + 0.46), (-y - 0.36, -y + 0.36), (z1 - 0.3, z1 - 0.1))
    brush.of("kerb").box((x - 0.48, x + 0.48), (-y - 0.38, -y + 0.38), (z1, z1 + 0.1))
    for at in (x - 0.2, x + 0.2):
        brush.of("pot").lathe(
            (at, y), [(0.13, z1 + 0.1), (0.11, z1 + 0.5), (0.14, z1 + 0.52), (0.14, z1 + 0.6), (0.0, z1 + 0.6)], 10
        )


def dormer(model: Model, building: Building, foot: Point, depth: float = 2.4) -> None:
    """A window with a little gable at `foot` (x, y, z), standing `depth` metres out of a slope that faces the front."""
    x, y, z = foot
    frame, _ = wall_between(x - DORMER_WIDTH / 2, y, x + DORMER_WIDTH / 2, y)
    wall = Brush.new(model, "wall", "wall", frame)
    wall.box((0, DORMER_WIDTH), (-depth, 0), (z - 0.6, z + 1.35), Faces.BOTTOM)
    gable = Gable(DORMER_WIDTH / 2, z + 1.35, DORMER_WIDTH, 0.6)
    facade.gable(wall, gable, (-depth, 0))
    facade.rake(model, frame, gable, (-depth, 0.25), thickness=0.15)
    window(model, building, frame, Opening(DORMER_WIDTH / 2, z + 0.1, DORMER_WIDTH * 0.6, 1.1), "sash")
