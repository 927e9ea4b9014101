"""Trees in leaf, conifers, bare trees and bushes."""

import numpy as np

from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.shapes import Model, Point
from s2i.embedded.rendering.tubes import tubes

LEAF = 0.3  # metres, a tuft of leaves


def tree(model: Model, rng: np.random.Generator, foot: Point, height: float) -> None:
    """A tree at `foot` (x, y), a conifer in a quarter of all cases."""
    trunk = Brush.new(model, "tree", "trunk")
    if rng.random() < 0.25:
        _conifer(trunk, rng, foot, height)
        return
    x, y = foot
    crown = height * rng.uniform(0.26, 0.34)
    top = height * 0.5
    tubes(trunk, [(x, -y, 0)], [(x, -y, top)], [0.03 * height], [0.016 * height], sides=9)
    for k in range(8):
        turn, lift = rng.uniform(0, 2 * np.pi), rng.uniform(-0.5, 0.8)
        reach = crown * 0.66 * np.sqrt(1 - lift**2 * 0.6) * (k > 0)
        centre = (x + reach * np.cos(turn), y + reach * np.sin(turn), height * 0.66 + crown * lift * (k > 0))
        size = crown * rng.uniform(0.42, 0.6) * (1.25 if k == 0 else 1)
        trunk.of("leaf dark").blob(centre, (size * 0.8, size * 0.8, size * 0.72), rng)
        _tufts(trunk.of("leaf" if k % 3 else "leaf dark"), rng, centre, size)


def _tufts(brush: Brush, rng: np.random.Generator, centre: Point, size: float) -> None:
    """Small flat leaves in all directions about a ball of `size` metres."""
    count = int(np.clip(110 * size**2, 60, 420))
    out = rng.normal(0, 1, (count, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    middle = np.asarray(centre) + out * size * rng.uniform(0.72, 1.08, (count, 1)) * (1, 1, 0.9)
    first, second = rng.normal(0, 1, (2, count, 3))
    first = np.cross(first, out) + 0.3 * first
    second = np.cross(out, first) + 0.3 * second
    leaf = LEAF * rng.uniform(0.6, 1.2, (count, 1)) * min(1.5, 0.6 + 0.3 * size)
    first, second = (side / np.linalg.norm(side, axis=1, keepdims=True) * leaf / 2 for side in (first, second))
    corners = np.stack(
        [middle - first - second, middle + first - second, middle + first + second, middle - first + second], 1
    )
    faces = (4 * np.arange(count)[:, None] + np.array([0, 1, 2, 0, 2, 3])).reshape(-1, 3)
    vertices = corners.reshape(-1, 3)
    brush.add(vertices, vertices[:, [0, 2]] + vertices[:, [1, 1]], faces)


def _conifer(trunk: Brush, rng: np.random.Generator, foot: Point, height: float) -> None:
    x, y = foot
    trunk.lathe(foot, [(0.2, 0), (0.14, height * 0.25)], 9)
    needles = trunk.of("leaf dark")
    for k in range(9):
        low, reach = height * (0.1 + 0.1 * k), height * 0.24 * (1 - k / 9.6)
        angles = np.linspace(0, 2 * np.pi, 23)[:-1] + rng.uniform(0, 6)
        swing = reach * rng.uniform(0.72, 1.12, 22)
        rim = np.column_stack(
            [x + swing * np.sin(angles), y + swing * np.cos(angles), low + rng.uniform(-0.12, 0.12, 22)]
        )
        vertices = np.concatenate([[(x, y, low + height * 0.2)], rim])
        k0 = np.arange(22)
        faces = np.column_stack([np.zeros(22, int), k0 + 1, (k0 + 1) % 22 + 1])
        needles.add(vertices, vertices[:, [0, 2]], faces)


def bare_tree(model: Model, rng: np.random.Generator, foot: Point, height: float) -> None:
    """A tree in winter: branches that fork until they are twigs."""
    x, y = foot
    branches = [(np.array([x, -y, 0.0]), np.array([0.0, 0.0, 1.0]), height * 0.3, height * 0.022)]
    starts, ends, radii, end_radii = [], [], [], []
    for depth in range(6):
        following = []
        for base, along, length, radius in branches:
            tip = base + along * length
            starts.append(base)
            ends.append(tip)
            radii.append(radius)
            end_radii.append(radius * 0.72)
            for _ in range(3 if depth < 4 else 2):
                turned = along + rng.normal(0, 0.42, 3) + np.array([0, 0, 0.12])
                following.append((tip, turned / np.linalg.norm(turned), length * rng.uniform(0.62, 0.86), radius * 0.6))
        branches = following
    tubes(Brush.new(model, "tree", "trunk"), starts, ends, radii, end_radii, sides=5)


def bush(model: Model, rng: np.random.Generator, foot: Point, size: float) -> None:
    """A bush of `size` metres at `foot` (x, y)."""
    dark = Brush.new(model, "tree", "leaf dark")
    x, y = foot
    for _ in range(2):
        centre = (x + rng.uniform(-0.4, 0.4), y, size * 0.6)
        dark.blob(centre, (size * 0.85, size * 0.85, size * 0.7), rng)
        _tufts(dark.of("leaf" if rng.random() < 0.6 else "leaf dark"), rng, centre, size)


def hedge(model: Model, rng: np.random.Generator, start: Point, length: float) -> None:
    """A clipped hedge along x from `start` (x, y), a metre high."""
    dark = Brush.new(model, "tree", "leaf dark")
    x, y = start
    dark.box((x, x + length), (-y - 0.35, -y + 0.35), (0, 1.0))
    for at in np.arange(x + 0.3, x + length, 0.55):
        _tufts(dark.of("leaf"), rng, (at, y, 0.62), 0.55)
