"""Triangles with a memory: each knows its material, the part it belongs to and the facet it lies in.

Shapes are written in a wall's own coordinates (u along the wall, out of the wall, z up, all in metres) and laid into
the world by a frame, so that the same window sits on a flat wall and on a round one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Flag, auto
from typing import NamedTuple

import numpy as np

from s2i.vocabulary.buildings import LABELS

STRAIGHT = np.radians(6)  # how far a round wall turns within one flat piece

Span = tuple[float, float]  # from, to, in metres
Point = Sequence[float] | np.ndarray  # metres
Points = Sequence[Point] | np.ndarray  # (n, 2) or (n, 3), metres
Block = tuple[float, float, float, float, float, float]  # u0, u1, out0, out1, z0, z1 in metres


class Faces(Flag):
    """The faces of a block on a wall; INSIDE is the one that lies against the wall."""

    NONE = 0
    OUTSIDE = auto()
    INSIDE = auto()
    LEFT = auto()
    RIGHT = auto()
    TOP = auto()
    BOTTOM = auto()


@dataclass(frozen=True)
class Frame:
    """Lays wall coordinates (u, out, z) into the world (x right, y away, z up); `radius` bends the wall round.

    x, y and radius in metres, angle in radians.
    """

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0
    radius: float | None = None

    def __call__(self, points: Points) -> np.ndarray:
        """World coordinates (k, 3) of points (k, 3) in wall coordinates."""
        u, out, z = np.asarray(points, float).reshape(-1, 3).T
        if self.radius is None:
            cos, sin = np.cos(self.angle), np.sin(self.angle)
            return np.stack([self.x + u * cos + out * sin, self.y + u * sin - out * cos, z], 1)
        turn = self.angle + u / self.radius
        reach = self.radius + out
        return np.stack([self.x + reach * np.sin(turn), self.y - reach * np.cos(turn), z], 1)

    def pieces(self, length: float) -> int:
        """How many straight pieces stand for `length` metres along u."""
        return 1 if self.radius is None else max(1, int(np.ceil(length / self.radius / STRAIGHT)))


WORLD = Frame()


class Wall(NamedTuple):
    """A stretch of wall: u runs from 0 to `length` metres in its frame."""

    frame: Frame
    length: float


def wall_between(x0: float, y0: float, x1: float, y1: float) -> Wall:
    """The wall that runs from one corner to the next, its outside on the right hand."""
    return Wall(Frame(x0, y0, float(np.arctan2(y1 - y0, x1 - x0))), float(np.hypot(x1 - x0, y1 - y0)))


@dataclass
class Piece:
    """Triangles of one material, part and facet: vertices (n, 3), uv (n, 2) in metres, faces (k, 3)."""

    vertices: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    material: str
    part: int
    facet: int


@dataclass
class Panel:
    """A stretch of wall that openings are still cut into: outlines (k, 2) in (u, z), metres."""

    part: int
    material: str
    frame: Frame
    u: Span
    z: Span
    holes: list[np.ndarray] = field(default_factory=list)


@dataclass
class Model:
    """A growing heap of pieces.  Part numbers index `labels`, the numbers of `LABELS`; part 0 is the sky.

    `rng` decides what nobody counts: which curtains are drawn, how a pane tilts.
    """

    rng: np.random.Generator
    pieces: list[Piece] = field(default_factory=list)
    labels: list[int] = field(default_factory=lambda: [LABELS["sky"]])
    panels: list[Panel] = field(default_factory=list)
    facets: int = 0

    def part(self, label: str) -> int:
        """Begins a part and returns its number."""
        self.labels.append(LABELS[label])
        return len(self.labels) - 1

    def facet(self) -> int:
        """Begins a facet, a surface that a pencil would outline, and returns its number."""
        self.facets += 1
        return self.facets

    def extent(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest corner (3,) of all that stands so far."""
        points = np.concatenate([piece.vertices for piece in self.pieces])
        return points.min(0), points.max(0)
