"""Churches: a nave with a tower, a bellcote or a portico."""

import numpy as np

from s2i.embedded.rendering import blocks, facade, roofs
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.facade import Ledge, Portico
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.openings import Opening, door, window
from s2i.embedded.rendering.shapes import Frame, Model
from s2i.embedded.rendering.tubes import tubes

DEPTH, EAVES, BASE = 11.0, 5.4, 0.5  # metres, of the nave
TOWER_SIDE, TOWER_STEP = 3.4, 1.4  # metres: its width, and how far it stands before the nave
PITCH = 0.62  # rise of the nave's roof over its width


def church(model: Model, building: Building, rng: np.random.Generator) -> None:
    """A nave with buttresses and a tower with a spire."""
    width = building.bays * 2.0 + 1.2
    _nave(model, building, width)
    beside = building.bays == 4
    towered = "tower" in building.features
    if not towered and building.style == "neoclassical":
        _temple_front(model, building, width)
        return
    _nave_front(model, building, width, beside or not towered)
    if not towered:
        _bellcote(model, width)
        return
    x = 0.0
    if beside:
        x = -width / 2 - 0.4 if building.seed % 2 else width / 2 + 0.4
    _tower(model, building, x, EAVES + width * PITCH + 2.0, beside)


def _nave(model: Model, building: Building, width: float) -> None:
    nave = blocks.oblong(-width / 2, width / 2, 0, DEPTH)
    blocks.raise_walls(model, nave, (0, EAVES))
    facade.band(model, "kerb", nave.walls, (0, BASE), 0.2)
    roofs.gabled(model, nave, EAVES, width * PITCH, front_gable=True, overhang=0.3)
    for frame, length in (nave.walls[1], nave.walls[-1]):
        for k in range(3):
            window(model, building, frame, Opening(length * (k + 0.5) / 3, 1.5, 1.3, 3.0))
        for k in range(4) if _buttressed(building) else ():
            facade.buttress(model, frame, Ledge(0.4 + (length - 0.8) * k / 3, EAVES, 0.7, 0.9))


def _buttressed(building: Building) -> bool:
    return building.style == "gothic" or building.material == "stone"


def _nave_front(model: Model, building: Building, width: float, whole: bool) -> None:
    """What can be seen of the nave's gable: all of it, or what the tower leaves."""
    front = Frame(-width / 2, 0.0)
    if whole:
        door(model, building, front, Opening(width / 2, BASE, 1.8, 3.0))
        _rose(model, front, (width / 2, 5.6), 0.95)
    for at in (0.2, 0.8) if whole else (0.13, 0.87):
        opening = Opening(width * at, 1.8, 1.1, 2.4) if whole else Opening(width * at, 1.6, 1.0, 2.4)
        window(model, building, front, opening)


def _rose(model: Model, frame: Frame, middle: tuple[float, float], radius: float) -> None:
    """A round window at (u, z) with spokes of stone."""
    u, z = middle
    angles = np.linspace(0, 2 * np.pi, 25)[:-1]
    ring = np.column_stack([np.cos(angles), np.sin(angles)])
    glass, stone = Brush.new(model, "window", "pane", frame), Brush.new(model, "wall", "trim", frame)
    glass.plate((u, z) + radius * ring, 0.03)
    stone.rim((u, z) + (radius + 0.2) * ring, (u, z) + radius * ring, (0.0, 0.14))
    stone.rim((u, z) + 0.34 * radius * ring, (u, z) + 0.24 * radius * ring, (0.03, 0.09))
    spokes = [
        ((u + 0.3 * radius * x, 0.06, z + 0.3 * radius * y), (u + radius * x, 0.06, z + radius * y))
        for x, y in ring[::3]
    ]
    tubes(stone, [a for a, _ in spokes], [b for _, b in spokes], [0.045] * len(spokes))


def _temple_front(model: Model, building: Building, width: float) -> None:
    """Columns and a pediment before the nave."""
    front = Frame(-width / 2, 0.0)
    door(model, building, front, Opening(width / 2, BASE, 1.8, 3.0))
    for at in (0.18, 0.82):
        window(model, building, front, Opening(width * at, 1.5, 1.1, 2.6), "arched")
    facade.portico(model, front, Portico(width / 2, width + 0.4, 2.2, BASE, EAVES - 0.6, 4 if width < 8 else 6))


def _bellcote(model: Model, width: float) -> None:
    """A little gable with a bell on the ridge, over the front."""
    ridge = EAVES + width * PITCH
    frame = Frame(-0.8, -0.1)
    wall = Brush.new(model, "wall", "wall", frame)
    for u in (0.0, 1.2):
        wall.box((u, u + 0.4), (-0.7, 0), (ridge - 0.9, ridge + 1.5))
    wall.box((0.0, 1.6), (-0.7, 0), (ridge - 0.9, ridge + 0.2))
    gable = facade.Gable(0.8, ridge + 1.5, 1.6, 0.7)
    facade.gable(wall, gable, (-0.7, 0))
    facade.rake(model, frame, gable, (-0.8, 0.1), thickness=0.12)
    bell = [(0.04, ridge + 1.35), (0.16, ridge + 1.25), (0.2, ridge + 0.9), (0.28, ridge + 0.75), (0.0, ridge + 0.75)]
    wall.of("brass").lathe((0.0, 0.25), bell, 12)


def _tower(model: Model, building: Building, x: float, top: float, beside: bool) -> None:
    side = TOWER_SIDE
    tower = blocks.oblong(x - side / 2, x + side / 2, -TOWER_STEP, side - TOWER_STEP)
    blocks.raise_walls(model, tower, (0, top))
    facade.band(model, "kerb", tower.walls, (0, BASE), 0.2)
    frame = tower.walls[0].frame
    if beside:
        window(model, building, frame, Opening(side / 2, 2.0, 1.2, 2.4))
    else:
        door(model, building, frame, Opening(side / 2, BASE, 1.7, 3.0))
    for wall, _ in (tower.walls[0], tower.walls[1], tower.walls[-1]):
        window(model, building, wall, Opening(side / 2, top - 3.4, 1.3, 2.6))
        for u in (0.2, side - 0.2) if _buttressed(building) else ():
            facade.buttress(model, wall, Ledge(u, top * 0.75, 0.5, 0.6))
    facade.band(model, "trim", tower.walls, (top - 0.2, top + 0.15), 0.25)
    roofs.spire(model, (x, side / 2 - TOWER_STEP), side / 2, top + 0.1, 7.0, 4 if building.seed % 3 else 8)
