"""Triangles with a memory: each knows its material, the part it belongs to and the facet it lies in.

Shapes are written in a wall's own coordinates (u along the wall, out of the wall, z up) and laid into the world by a
frame, so that the same window sits on a flat wall and on a round one.
"""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from s2i.vocabulary.buildings import LABELS


@dataclass(frozen=True)
class Frame:
    """Lays wall coordinates (u, out, z) into the world (x right, y away, z up); `radius` bends the wall round."""

    x: float = 0.0
    y: float = 0.0
    angle: float = 0.0
    radius: float | None = None

    def __call__(self, points):
        u, out, z = np.asarray(points, float).reshape(-1, 3).T
        if self.radius is None:
            cos, sin = np.cos(self.angle), np.sin(self.angle)
            return np.stack([self.x + u * cos + out * sin, self.y + u * sin - out * cos, z], 1)
        turn = self.angle + u / self.radius
        reach = self.radius + out
        return np.stack([self.x + reach * np.sin(turn), self.y - reach * np.cos(turn), z], 1)

    def pieces(self, length):
        """How many straight pieces stand for `length` metres along u."""
        return 1 if self.radius is None else max(1, int(np.ceil(length / self.radius / np.radians(6))))


@dataclass
class Piece:
    vertices: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    material: str
    part: int
    facet: int


@dataclass
class Model:
    """A growing heap of pieces.  Part numbers index `labels`; what is drawn next belongs to the last part begun."""

    pieces: list[Piece] = field(default_factory=list)
    labels: list[int] = field(default_factory=lambda: [LABELS["sky"]])
    facets: int = 0

    def part(self, label: str) -> int:
        self.labels.append(LABELS[label])
        return len(self.labels) - 1

    def add(self, part, material, vertices, uv, faces, facet=None):
        if facet is None:
            self.facets += 1
            facet = self.facets
        vertices, uv, faces = np.asarray(vertices, float), np.asarray(uv, float), np.asarray(faces, int)
        self.pieces.append(Piece(vertices, uv, faces, material, part, facet))

    def sheet(self, part, material, frame, corners, facet=None):
        """A four-cornered sheet in wall coordinates, bent with the frame."""
        a, b, c, d = np.asarray(corners, float)
        steps = frame.pieces(max(abs(b[0] - a[0]), abs(c[0] - d[0])))
        t = np.linspace(0, 1, steps + 1)[:, None]
        local = np.concatenate([a + t * (b - a), d + t * (c - d)])
        low = np.arange(steps)
        high = low + steps + 1
        faces = np.concatenate([np.stack([low, low + 1, high + 1], 1), np.stack([low, high + 1, high], 1)])
        self.add(part, material, frame(local), _flat_uv(local), faces, facet)

    def box(self, part, material, frame, u, out, z, skip=""):
        """A block between the pairs u, out and z; `skip` names faces nobody can see: (b)ottom, (t)op, (i)nside."""
        (u0, u1), (o0, o1), (z0, z1) = u, out, z
        sides = {
            "o": [(u0, o1, z0), (u1, o1, z0), (u1, o1, z1), (u0, o1, z1)],
            "i": [(u0, o0, z0), (u1, o0, z0), (u1, o0, z1), (u0, o0, z1)],
            "l": [(u0, o0, z0), (u0, o1, z0), (u0, o1, z1), (u0, o0, z1)],
            "r": [(u1, o0, z0), (u1, o1, z0), (u1, o1, z1), (u1, o0, z1)],
            "t": [(u0, o0, z1), (u1, o0, z1), (u1, o1, z1), (u0, o1, z1)],
            "b": [(u0, o0, z0), (u1, o0, z0), (u1, o1, z0), (u0, o1, z0)],
        }
        for name, corners in sides.items():
            if name not in skip:
                self.sheet(part, material, frame, corners)

    def plate(self, part, material, frame, outline, out):
        """A flat shape, `outline` (k, 2) in (u, z) seen from its middle, at one distance from the wall."""
        outline = np.asarray(outline, float)
        if frame.radius is not None:  # a straight edge would cut through the bend of the wall
            following = np.roll(outline, -1, axis=0)
            t = np.linspace(0, 1, 9)[:-1, None]
            outline = np.concatenate([a + t * (b - a) for a, b in zip(outline, following, strict=True)])
        rim = np.column_stack([outline[:, 0], np.full(len(outline), out), outline[:, 1]])
        local = np.concatenate([rim.mean(0, keepdims=True), rim])
        k = np.arange(len(outline))
        faces = np.column_stack([np.zeros_like(k), k + 1, (k + 1) % len(outline) + 1])
        self.add(part, material, frame(local), local[:, [0, 2]], faces)

    def ribbon(self, part, material, frame, first, second, smooth=False):
        """The closed band between two rings of as many points, in wall coordinates; one facet a side unless smooth."""
        first, second = np.asarray(first, float), np.asarray(second, float)
        following = np.roll(np.arange(len(first)), -1)
        facet = None
        if smooth:
            self.facets += 1
            facet = self.facets
        for k, after in enumerate(following):
            self.sheet(part, material, frame, [first[k], first[after], second[after], second[k]], facet)

    def prism(self, part, material, frame, outline, out, back=False):
        """`outline` (k, 2) in (u, z), drawn out between the pair `out`."""
        outline = np.asarray(outline, float)
        self.plate(part, material, frame, outline, out[1])
        if back:
            self.plate(part, material, frame, outline, out[0])
        rings = [np.column_stack([outline[:, 0], np.full(len(outline), o), outline[:, 1]]) for o in out]
        self.ribbon(part, material, frame, *rings)

    def rim(self, part, material, frame, outer, inner, out):
        """A raised frame between two outlines of as many points."""
        outer, inner = np.asarray(outer, float), np.asarray(inner, float)

        def ring(outline, o):
            return np.column_stack([outline[:, 0], np.full(len(outline), o), outline[:, 1]])

        self.ribbon(part, material, frame, ring(outer, out[1]), ring(inner, out[1]), smooth=True)
        self.ribbon(part, material, frame, ring(outer, out[0]), ring(outer, out[1]))
        self.ribbon(part, material, frame, ring(inner, out[0]), ring(inner, out[1]))

    def lathe(self, part, material, centre, profile, sides=20, turn=0.0):
        """`profile` [(radius, z), ...] turned about the vertical through `centre`; few sides stay sharp."""
        angles = turn + np.linspace(0, 2 * np.pi, sides + 1)
        for (r0, z0), (r1, z1) in pairwise(profile):
            low, high = (
                np.column_stack([centre[0] + r * np.sin(angles), centre[1] - r * np.cos(angles), np.full(sides + 1, z)])
                for r, z in ((r0, z0), (r1, z1))
            )
            along = angles * max(r0, r1)
            slope = np.hypot(r1 - r0, z1 - z0)
            uv = np.concatenate([np.column_stack([along, np.full(sides + 1, z0 + h)]) for h in (0, slope)])
            k = np.arange(sides)
            quads = np.stack([k, k + 1, k + 2 + sides, k, k + 2 + sides, k + 1 + sides], 1).reshape(sides, 2, 3)
            vertices = np.concatenate([low, high])
            if sides > 8:
                self.add(part, material, vertices, uv, quads.reshape(-1, 3))
            else:
                for faces in quads:
                    used, flat = np.unique(faces, return_inverse=True)
                    self.add(part, material, vertices[used], uv[used], flat.reshape(2, 3))

    def blob(self, part, material, centre, radii, rng, roughness=0.12):
        """A lumpy ball: the stuff of trees and bushes."""
        rows, columns = 9, 14
        theta, phi = np.meshgrid(np.linspace(0, np.pi, rows), np.linspace(0, 2 * np.pi, columns + 1), indexing="ij")
        swell = 1 + roughness * rng.standard_normal(theta.shape)
        swell[:, -1] = swell[:, 0]
        swell[[0, -1]] = swell[[0, -1], :1]
        ball = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)
        vertices = np.asarray(centre) + ball * swell[..., None] * np.asarray(radii)
        k = (np.arange(rows - 1)[:, None] * (columns + 1) + np.arange(columns)).ravel()
        faces = np.concatenate(
            [np.stack([k, k + 1, k + columns + 2], 1), np.stack([k, k + columns + 2, k + columns + 1], 1)]
        )
        uv = np.stack([phi * radii[0], theta * radii[2]], -1)
        self.add(part, material, vertices.reshape(-1, 3), uv.reshape(-1, 2), faces)

    def meshes(self):
        """{material: (vertices, normals, uv, faces, part and facet of each face)}, smooth within a piece only."""
        grouped = {}
        for piece in self.pieces:
            grouped.setdefault(piece.material, []).append(piece)
        return {material: _merge(pieces) for material, pieces in grouped.items()}


WORLD = Frame(angle=0.0)


def _flat_uv(local):
    """Metres along the two widest of the three axes."""
    spread = np.ptp(local, axis=0)
    if spread[2] > 1e-6:
        run = local[:, 0] if spread[0] >= spread[1] else local[:, 1]
        slope = np.hypot(spread[2], min(spread[0], spread[1])) / spread[2]
        return np.column_stack([run, local[:, 2] * slope])
    return local[:, :2]


def _merge(pieces):
    offsets = np.cumsum([0] + [len(piece.vertices) for piece in pieces])
    faces = np.concatenate([piece.faces + offset for piece, offset in zip(pieces, offsets, strict=False)])
    vertices = np.concatenate([piece.vertices for piece in pieces])
    corners = vertices[faces]
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], crossed)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    normals = np.where(length > 1e-12, normals / np.maximum(length, 1e-12), (0.0, 0.0, 1.0))
    counts = [len(piece.faces) for piece in pieces]
    parts = np.repeat([piece.part for piece in pieces], counts)
    facets = np.repeat([piece.facet for piece in pieces], counts)
    return vertices, normals, np.concatenate([piece.uv for piece in pieces]), faces, parts, facets
