"""What stands round a building: ground, street, trees, bushes, neighbours, hills."""

import numpy as np

from s2i.embedded.rendering import facade, roofs
from s2i.embedded.rendering.shapes import WORLD


def furnish(model, building, extent):
    """Adds ground and clutter round a building that stands within `extent` (x0, x1, y0, y1)."""
    rng = np.random.default_rng([building.seed, 13])
    x0, x1, y0, y1 = extent
    _ground(model, building, x0, x1, y0)
    _hills(model, rng)
    side = 1 if rng.random() < 0.5 else -1
    # A tree stands where the camera does not look through it at the house.
    far = 1 if building.camera_azimuth <= 0 else -1
    if "tree" in building.clutter:
        edge = x1 if far > 0 else -x0
        _tree(model, rng, far * (edge + rng.uniform(2.0, 3.2)), rng.uniform(-1.0, 3.0), rng.uniform(5.5, 8.0))
    if "second tree" in building.clutter:
        _tree(model, rng, rng.uniform(x0, x1), y1 + rng.uniform(4, 8), rng.uniform(9, 14))
    if "neighbour" in building.clutter:
        _neighbour(model, rng, side, x0, x1, y1)
    if "bushes" in building.clutter:
        for _ in range(int(rng.integers(3, 6))):
            x = rng.choice([x0, x1]) + rng.uniform(-1.2, 1.2)
            _bush(model, rng, x, y0 - rng.uniform(0.8, 1.4), rng.uniform(0.45, 0.75))
    if "hedge" in building.clutter:
        part = model.part("clutter")
        for x in (x1 + 0.5, x0 - 8.5):
            model.box(part, "leaf dark", WORLD, (x, x + 8), (-y0 + 1.5, -y0 + 2.3), (0, 1.1), "b")


def _ground(model, building, x0, x1, y0):
    part = model.part("ground")
    cover = "lawn" if building.ground != "paving" else "paving"
    _flat(model, part, cover, -300, 300, -150, 400, 0.0)
    middle = (x0 + x1) / 2
    if building.ground == "road":
        _flat(model, part, "road", -200, 200, y0 - 60, y0 - 6.0, 0.02)
        model.box(part, "kerb", WORLD, (-200, 200), (-y0 + 5.6, -y0 + 6.0), (0, 0.12), "b")
    else:
        _flat(model, part, "path", middle - 1.3, middle + 1.3, y0 - 60, y0 - 0.2, 0.02)


def _flat(model, part, material, x0, x1, y0, y1, z):
    corners = [(x0, -y0, z), (x1, -y0, z), (x1, -y1, z), (x0, -y1, z)]
    model.sheet(part, material, WORLD, corners)


def _hills(model, rng):
    """A far line of woods, which hides where the world ends."""
    part = model.part("clutter")
    angles = np.linspace(-1.6, 1.6, 70)
    height = 7 + 3 * np.sin(angles * rng.uniform(3, 6) + rng.uniform(0, 6)) + rng.normal(0, 0.7, 70)
    ring = np.column_stack([150 * np.sin(angles), 150 * np.cos(angles)])
    foot = np.column_stack([ring, np.zeros(70)])
    head = np.column_stack([ring * 1.01, np.maximum(height, 2)])
    k = np.arange(69)
    faces = np.concatenate([np.stack([k, k + 1, k + 71], 1), np.stack([k, k + 71, k + 70], 1)])
    uv = np.column_stack([np.tile(angles * 40, 2), np.repeat([0.0, 9.0], 70)])
    model.add(part, "hill", np.concatenate([foot, head]), uv, faces)


def _tree(model, rng, x, y, height):
    part = model.part("clutter")
    if rng.random() < 0.3:
        model.lathe(part, "trunk", (x, y), [(0.2, 0), (0.16, height * 0.25)], 9)
        for k in range(4):
            foot, reach = height * (0.16 + 0.2 * k), height * 0.26 * (1 - k / 5)
            model.lathe(part, "leaf dark", (x, y), [(0.05, foot), (reach, foot), (0.02, foot + height * 0.34)], 13)
        return
    crown = height * 0.3
    model.lathe(part, "trunk", (x, y), [(0.26, 0), (0.18, height * 0.5)], 9)
    for k in range(9):
        turn, lift = rng.uniform(0, 2 * np.pi), rng.uniform(-0.55, 0.75)
        reach = crown * 0.62 * np.sqrt(1 - lift**2 * 0.6) * (k > 0)
        centre = (x + reach * np.cos(turn), y + reach * np.sin(turn), height * 0.66 + crown * lift * (k > 0))
        size = crown * rng.uniform(0.45, 0.62) * (1.25 if k == 0 else 1)
        model.blob(part, "leaf" if k % 3 else "leaf dark", centre, (size, size, size * 0.9), rng)


def _bush(model, rng, x, y, size):
    part = model.part("clutter")
    for _ in range(2):
        centre = (x + rng.uniform(-0.4, 0.4), y, size * 0.6)
        model.blob(part, "leaf" if rng.random() < 0.5 else "leaf dark", centre, (size, size, size * 0.85), rng)


def _neighbour(model, rng, side, x0, x1, y1):
    """A plain house further back; all of it counts as clutter."""
    part = model.part("clutter")
    width, height, depth = rng.uniform(7, 11), rng.uniform(5, 9), 8.0
    near = x1 + 3.5 if side > 0 else x0 - 3.5 - width
    y = y1 - rng.uniform(0, 3)
    frame, _ = facade.straight(near, y, near + width, y)
    model.box(part, "neighbour", frame, (0, width), (-depth, 0), (0, height), "b")
    if rng.random() < 0.6:
        outline = (near, near + width, y, y + depth)
        roofs.hipped(model, outline, height + 0.2, 2.6)
        model.labels[-1] = model.labels[part]
    for level in range(int(height // 3)):
        for k in range(3):
            u, z = width * (k + 0.5) / 3, 1.0 + 3 * level
            model.box(part, "charcoal", frame, (u - 0.6, u + 0.6), (0, 0.06), (z, z + 1.4), "ib")
