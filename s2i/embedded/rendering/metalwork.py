"""Steps, railings, ladders and fire escapes."""

import itertools
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.shapes import Faces, Frame, Model, Points, Span
from s2i.embedded.rendering.tubes import tubes

STEP_HEIGHT, TREAD = 0.18, 0.3  # metres
RAILING_HEIGHT = 1.0  # metres
FLOOR_DEPTH = 1.25  # metres, of a fire escape
HANDRAILS_FROM = 0.75  # metres above the ground that steps have handrails


class Hole(Protocol):
    """What of an opening steps have to know, in metres."""

    @property
    def u(self) -> float:
        """Its middle along the wall."""

    @property
    def sill(self) -> float:
        """Its foot."""

    @property
    def width(self) -> float:
        """From edge to edge."""


def steps(model: Model, building: Building, frame: Frame, opening: Hole) -> None:
    """Steps from the foot of an opening down to the ground, with handrails where they are many."""
    count = max(1, round(opening.sill / STEP_HEIGHT))
    brush = Brush.new(model, "stairs", "kerb", frame)
    half = opening.width / 2 + 0.3
    landing, hidden = 0.9, Faces.BOTTOM | Faces.INSIDE
    for step in range(count):
        reach = landing + TREAD * (count - 1 - step)
        z = opening.sill * step / count, opening.sill * (step + 1) / count
        brush.box((opening.u - half, opening.u + half), (0, reach), z, hidden)
    if opening.sill < HANDRAILS_FROM:
        return
    rail = Brush.new(model, "railing", "iron", frame)
    end = landing + TREAD * (count - 1)
    for u in (opening.u - half + 0.06, opening.u + half - 0.06):
        path = [(u, 0.05, opening.sill), (u, landing, opening.sill), (u, end, opening.sill / count)]
        railing(rail, path)


def railing(brush: Brush, path: Points, height: float = RAILING_HEIGHT, spacing: float = 0.16) -> None:
    """A handrail, a lower rail and thin uprights over a path (k, 3) in wall coordinates."""
    path = np.asarray(path, float)
    up = np.array([0.0, 0.0, 1.0])
    starts, ends, radii = [], [], []
    for a, b in itertools.pairwise(path):
        for level, radius in ((height, 0.028), (0.12, 0.016)):
            starts.append(a + up * level)
            ends.append(b + up * level)
            radii.append(radius)
        count = max(1, int(np.linalg.norm(b - a) / spacing))
        for k in range(count + 1):
            foot = a + (b - a) * k / count
            starts.append(foot)
            ends.append(foot + up * height)
            radii.append(0.03 if k in (0, count) else 0.012)
    tubes(brush, starts, ends, radii)


def fire_escape(model: Model, frame: Frame, u: Span, floors: Sequence[float]) -> None:
    """Iron floors before the windows of each storey with flights between them; `floors` in metres, lowest first."""
    iron = Brush.new(model, "fire escape", "iron", frame)
    low, high = u
    for z in floors:
        slats = [(low, high, at, at + 0.06, z - 0.05, z) for at in np.arange(0.05, FLOOR_DEPTH, 0.12)]
        brackets = [(at - 0.03, at + 0.03, 0, FLOOR_DEPTH, z - 0.12, z - 0.05) for at in (low + 0.1, high - 0.1)]
        iron.boxes([*slats, *brackets])
        edge = [(low, 0.0, z), (low, FLOOR_DEPTH, z), (high, FLOOR_DEPTH, z), (high, 0.0, z)]
        railing(iron, edge, spacing=0.2)
    for number, (z0, z1) in enumerate(itertools.pairwise(floors)):
        foot, head = (low + 0.4, high - 0.6) if number % 2 else (high - 0.4, low + 0.6)
        _flight(iron, (foot, z0), (head, z1))
    _ladder(iron, low + 0.3, (1.6, floors[0]))


def _flight(iron: Brush, foot: Span, head: Span) -> None:
    """A steep stair between two points (u, z)."""
    (u0, z0), (u1, z1) = foot, head
    starts, ends = [], []
    for out in (0.35, 0.85):
        starts += [(u0, out, z0), (u0, out, z0 + 0.8)]
        ends += [(u1, out, z1), (u1, out, z1 + 0.8)]
    tubes(iron, starts, ends, [0.04, 0.025] * 2)
    count = round((z1 - z0) / 0.25)
    at = [(u0 + (u1 - u0) * k / count, z0 + (z1 - z0) * k / count) for k in range(1, count)]
    iron.boxes([(a - 0.1, a + 0.1, 0.35, 0.85, z - 0.02, z + 0.02) for a, z in at])


def _ladder(iron: Brush, u: float, z: Span) -> None:
    low, high = z
    starts = [(u, 1.1, low), (u + 0.4, 1.1, low)] + [(u, 1.1, at) for at in np.arange(low, high, 0.3)]
    ends = [(u, 1.1, high + 0.9), (u + 0.4, 1.1, high + 0.9)] + [(u + 0.4, 1.1, at) for at in np.arange(low, high, 0.3)]
    tubes(iron, starts, ends, [0.025] * len(starts))
