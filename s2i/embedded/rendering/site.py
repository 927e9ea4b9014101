"""What stands round a building: ground, street, gardens, neighbours, hills."""

from dataclasses import dataclass

import numpy as np

from s2i.embedded.rendering import foliage, roofs, street
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.camera import Camera
from s2i.embedded.rendering.grammar import URBAN, Building
from s2i.embedded.rendering.roofs import Extent
from s2i.embedded.rendering.shapes import WORLD, Faces, Model, Span, wall_between

PAVEMENT = 4.6  # metres from the front to the road
ROAD = 8.0  # metres, its width
KERB = 0.12  # metres, its height
FAR = 4000.0  # metres that the ground reaches
HILLS = 2600.0  # metres to the hills
HOUSE_SIZES = ((7, 12), (6, 10))  # metres, width and height of a neighbour's house
BLOCK_SIZES = ((12, 20), (10, 22))  # the same of a block in a town


@dataclass(frozen=True)
class Site:
    """A building on its plot: what it takes up, in metres, and the chance that fills the rest."""

    building: Building
    extent: Extent
    height: float
    camera: Camera
    rng: np.random.Generator

    def has(self, name: str) -> bool:
        """Is this kind of clutter about?"""
        return name in self.building.clutter

    @property
    def far_side(self) -> int:
        """The side, 1 or -1, that the camera does not look through at the building."""
        return 1 if self.building.shot.azimuth <= 0 else -1

    def clear(self, x: float, y: float, share: float = 0.62) -> bool:
        """May something of a man's size stand here without filling the image?

        It may where the camera is at least `share` of the way to the front away from it.
        """
        x0, x1, y0, _ = self.extent
        front = (np.array([(x0 + x1) / 2, y0, 0.0]) - self.camera.eye) @ self.camera.forward
        return float((np.array([x, y, 0.0]) - self.camera.eye) @ self.camera.forward) > share * float(front)

    def beside(self, side: int, away: float) -> float:
        """x of what stands `away` metres beside the building."""
        x0, x1, _, _ = self.extent
        return x1 + away if side > 0 else x0 - away


def furnish(model: Model, building: Building, camera: Camera) -> None:
    """Adds ground and clutter round the building that stands in `model`, without hiding it from the camera."""
    (x0, y0, _), (x1, y1, height) = model.extent()
    site = Site(building, (x0, x1, y0, y1), height, camera, np.random.default_rng([building.seed, 13]))
    _ground(model, site)
    _hills(model, site)
    _neighbours(model, site)
    _garden(model, site)
    _street(model, site)


def _ground(model: Model, site: Site) -> None:
    x0, x1, y0, _ = site.extent
    kind = site.building.ground
    cover = {"street": "pavement", "paving": "paving", "yard": "yard"}.get(kind, "lawn")
    ground = Brush.new(model, "ground", cover)
    _flat(ground, (-FAR, FAR), (-FAR, FAR), 0.0)
    middle = (x0 + x1) / 2
    if kind == "street":
        near, far = y0 - PAVEMENT - ROAD, y0 - PAVEMENT
        _flat(ground.of("road"), (-FAR, FAR), (near, far), 0.02)
        for edge in (far, near - 0.3):
            ground.of("kerb").box((-FAR / 10, FAR / 10), (-edge - 0.3, -edge), (0, KERB), Faces.BOTTOM)
        dashes = [
            (at, at + 2.0, -(near + far) / 2 - 0.06, -(near + far) / 2 + 0.06, 0.02, 0.03)
            for at in np.arange(-80, 80, 5.0)
        ]
        ground.of("marking").boxes(dashes)
    elif kind == "lawn":
        _flat(ground.of("path"), (middle - 1.1, middle + 1.1), (y0 - 60, y0 - 0.2), 0.02)


def _flat(brush: Brush, x: Span, y: Span, z: float) -> None:
    brush.on(WORLD).floor(x, (-y[0], -y[1]), z)


def _hills(model: Model, site: Site) -> None:
    """A far line of woods all round, which hides where the world ends and stands in the panes."""
    count, rng = 260, site.rng
    angles = np.linspace(-np.pi, np.pi, count)
    height = 7 + 3 * np.sin(np.round(rng.uniform(3, 6)) * angles + rng.uniform(0, 6)) + rng.normal(0, 0.8, count)
    height = np.maximum(height, 2) * HILLS / 150
    ring = HILLS * np.column_stack([np.sin(angles), np.cos(angles)])
    k = np.arange(count - 1)
    faces = np.concatenate([np.stack([k, k + 1, k + count + 1], 1), np.stack([k, k + count + 1, k + count], 1)])
    vertices = np.concatenate([np.column_stack([ring, np.zeros(count)]), np.column_stack([ring * 1.01, height])])
    uv = np.column_stack([np.tile(angles * 40, 2), np.repeat([0.0, 9.0], count)])
    Brush.new(model, "clutter", "hill").add(vertices, uv, faces)
    if site.building.ground != "lawn":
        return
    wood = Brush.new(model, "tree", "leaf far")
    for _ in range(36):
        turn, away, size = rng.uniform(-np.pi, np.pi), rng.uniform(260, 900), rng.uniform(3.0, 6.0)
        wood.blob((away * np.sin(turn), away * np.cos(turn), size * 0.7), (size * 1.4, size * 1.4, size), rng, 0.18)


def _neighbours(model: Model, site: Site) -> None:
    """Houses further back and, where the camera's back is to them, across the street."""
    rng, (x0, x1, y0, y1) = site.rng, site.extent
    town = site.building.structure in URBAN
    sizes = BLOCK_SIZES if town else HOUSE_SIZES
    sides = (-1, 1) if town and rng.random() < 0.7 else (site.far_side,)
    if site.has("neighbour"):
        for side in sides:
            width, height = (rng.uniform(*size) for size in sizes)
            near = site.beside(side, rng.uniform(2.5, 7.0))
            left = near if side > 0 else near - width
            _block(model, rng, (left, left + width, y1 + rng.uniform(-2, 6), y1 + 12), min(height, site.height * 0.8))
    if town:
        _town(model, site)
    if site.has("opposite"):
        reach = float(np.hypot(x1 - x0, site.height))
        front = y0 - max(40.0, 3.2 * reach)
        for left in np.arange(-70, 70, 17.0):
            width, height = rng.uniform(10, 16), rng.uniform(5, 9 if not town else 14)
            _block(model, rng, (left, left + width, front - 10, front), min(height, -front * 0.085))


def _town(model: Model, site: Site) -> None:
    """Blocks further back, and more of them to the sides, none so high that it passes for the building."""
    rng, (x0, x1, _, y1) = site.rng, site.extent
    for _ in range(22):
        width, depth = rng.uniform(10, 24, 2)
        x, y = rng.uniform(-130, 130) + (x0 + x1) / 2, y1 + rng.uniform(24, 150)
        height = min(rng.uniform(7, 24), site.height * rng.uniform(0.4, 0.75))
        _block(model, rng, (x - width / 2, x + width / 2, y, y + depth), height)


def _block(model: Model, rng: np.random.Generator, extent: Extent, height: float) -> None:
    """A plain building with windows painted on; all of it counts as clutter."""
    x0, x1, y0, y1 = extent
    wall = Brush.new(model, "clutter", f"neighbour {int(rng.integers(3))}")
    for frame, length in (
        wall_between(x0, y0, x1, y0),
        wall_between(x1, y0, x1, y1),
        wall_between(x1, y1, x0, y1),
        wall_between(x0, y1, x0, y0),
    ):
        wall.on(frame).panel((0, length), (0, height), 0)
    if height > 9 or rng.random() < 0.3:
        _flat(wall.of("gravel"), (x0 - 0.2, x1 + 0.2), (y0 - 0.2, y1 + 0.2), height)
        return
    roofs.hipped(model, extent, height + 0.2, 2.6)
    model.labels[-1] = model.labels[wall.part]


def _garden(model: Model, site: Site) -> None:
    rng, (x0, x1, y0, y1) = site.rng, site.extent
    far = site.far_side
    if site.has("tree"):
        foliage.tree(
            model, rng, (site.beside(far, rng.uniform(2.6, 4.0)), rng.uniform(-1.5, 3.0)), rng.uniform(5.5, 9.0)
        )
    if site.has("second tree"):
        foliage.tree(model, rng, (rng.uniform(x0, x1), y1 + rng.uniform(4, 8)), rng.uniform(9, 14))
    if site.has("bare tree"):
        side = far if rng.random() < 0.6 else -far
        foot = site.beside(side, rng.uniform(0.3, 3.0)), y0 - rng.uniform(0.5, 3.0)
        if site.clear(*foot, 0.72):
            foliage.bare_tree(model, rng, foot, rng.uniform(5.5, 9.0))
    if site.has("bushes"):
        for _ in range(int(rng.integers(3, 6))):
            x = rng.choice([x0, x1]) + rng.uniform(-1.2, 1.2)
            foliage.bush(model, rng, (x, y0 - rng.uniform(0.8, 1.6)), rng.uniform(0.4, 0.7))
    if site.has("hedge"):
        for x in (x1 + 0.7, x0 - 6.7):
            foliage.hedge(model, rng, (x, y0 - 1.9), 6.0)


def _street(model: Model, site: Site) -> None:
    rng, (x0, x1, y0, _) = site.rng, site.extent
    middle, half = (x0 + x1) / 2, (x1 - x0) / 2
    road = y0 - PAVEMENT if site.building.ground == "street" else y0 - 3.0
    if site.has("street lamp"):
        lit = site.building.day.light == "evening"
        for k in range(int(rng.integers(1, 3))):
            x = middle + (site.far_side if k == 0 else -site.far_side) * half * rng.uniform(0.6, 1.05)
            if site.clear(x, road + 0.5):
                street.street_lamp(model, rng, (x, road + 0.5), lit)
    if site.has("vehicles"):
        count = int(rng.integers(1, 3 if half < 10 else 5))
        at = middle - half - rng.uniform(1.0, 5.0) + rng.uniform(0, half)
        for _ in range(count):
            towards = rng.random() < 0.5
            foot = (at, road - 0.4) if towards else (at + 4.4, road - 0.4 - 1.75)
            if site.clear(foot[0], road - 2.0, 0.8):
                street.vehicle(model, rng, foot, 0.0 if towards else np.pi)
            at += 5.2 + rng.uniform(0, max(3.0, half))
    if site.has("people"):
        for _ in range(int(rng.integers(1, 5))):
            foot = middle + rng.uniform(-1.1, 1.1) * half, y0 - rng.uniform(1.4, 4.0)
            if site.clear(*foot):
                street.person(model, rng, foot)
