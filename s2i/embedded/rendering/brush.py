"""Adds sheets, blocks, prisms, turned and lumpy shapes of one part and one material to a model."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from s2i.embedded.rendering.shapes import WORLD, Block, Faces, Frame, Model, Piece, Point, Points, Span

# Corners of a block, counted in (u, out, z) as binary digits, of each of its faces.
BOX_FACES = ((0, 4, 5, 1), (2, 6, 7, 3), (0, 2, 3, 1), (4, 6, 7, 5), (1, 5, 7, 3), (0, 4, 6, 2))
TWO_TRIANGLES = np.array([[0, 1, 3], [0, 3, 2]])  # of corners a, b, d, c
SHARP_SIDES = 8  # a turned shape of at most so many sides has edges; one of more is round


@dataclass(frozen=True)
class Brush:
    """Adds to `model` what belongs to one part, is made of one material and stands on one wall.

    All shapes are in the frame's coordinates (u, out, z), in metres.
    """

    model: Model
    part: int
    material: str
    frame: Frame = WORLD

    @classmethod
    def new(cls, model: Model, label: str, material: str, frame: Frame = WORLD) -> "Brush":
        """A brush for a new part."""
        return cls(model, model.part(label), material, frame)

    def of(self, material: str) -> "Brush":
        """The same part in another material."""
        return replace(self, material=material)

    def on(self, frame: Frame) -> "Brush":
        """The same part on another wall."""
        return replace(self, frame=frame)

    def add(self, vertices: Points, uv: Points, faces: Points, facet: int | None = None) -> None:
        """Triangles in world coordinates; they make a facet of their own unless they continue `facet`."""
        facet = self.model.facet() if facet is None else facet
        vertices, uv, faces = np.asarray(vertices, float), np.asarray(uv, float), np.asarray(faces, int)
        self.model.pieces.append(Piece(vertices, uv, faces, self.material, self.part, facet))

    def sheet(self, corners: Points, facet: int | None = None) -> None:
        """A sheet with four corners (4, 3), bent with the frame."""
        if self.frame.radius is None:
            local = np.asarray(corners, float)[[0, 1, 3, 2]]
            self.add(self.frame(local), _metres(local), TWO_TRIANGLES, facet)
            return
        a, b, c, d = np.asarray(corners, float)
        steps = self.frame.pieces(max(abs(b[0] - a[0]), abs(c[0] - d[0])))
        t = np.linspace(0, 1, steps + 1)[:, None]
        local = np.concatenate([a + t * (b - a), d + t * (c - d)])
        low = np.arange(steps)
        high = low + steps + 1
        faces = np.concatenate([np.stack([low, low + 1, high + 1], 1), np.stack([low, high + 1, high], 1)])
        self.add(self.frame(local), _metres(local), faces, facet)

    def panel(self, u: Span, z: Span, out: float) -> None:
        """An upright oblong sheet at one distance from the wall."""
        self.sheet([(u[0], out, z[0]), (u[1], out, z[0]), (u[1], out, z[1]), (u[0], out, z[1])])

    def floor(self, u: Span, out: Span, z: float) -> None:
        """A level oblong sheet."""
        self.sheet([(u[0], out[0], z), (u[1], out[0], z), (u[1], out[1], z), (u[0], out[1], z)])

    def box(self, u: Span, out: Span, z: Span, skip: Faces = Faces.NONE) -> None:
        """A block between the pairs u, out and z, without the faces that nobody can see."""
        (u0, u1), (o0, o1), (z0, z1) = u, out, z
        sides = {
            Faces.OUTSIDE: [(u0, o1, z0), (u1, o1, z0), (u1, o1, z1), (u0, o1, z1)],
            Faces.INSIDE: [(u0, o0, z0), (u1, o0, z0), (u1, o0, z1), (u0, o0, z1)],
            Faces.LEFT: [(u0, o0, z0), (u0, o1, z0), (u0, o1, z1), (u0, o0, z1)],
            Faces.RIGHT: [(u1, o0, z0), (u1, o1, z0), (u1, o1, z1), (u1, o0, z1)],
            Faces.TOP: [(u0, o0, z1), (u1, o0, z1), (u1, o1, z1), (u0, o1, z1)],
            Faces.BOTTOM: [(u0, o0, z0), (u1, o0, z0), (u1, o1, z0), (u0, o1, z0)],
        }
        for face, corners in sides.items():
            if face not in skip:
                self.sheet(corners)

    def boxes(self, blocks: Sequence[Block]) -> None:
        """Many slim blocks, all one facet: bars, posts, mullions."""
        spans = np.asarray(blocks, float).reshape(-1, 3, 2)
        corners = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
        at = np.stack([spans[:, axis][:, corners[:, axis]] for axis in range(3)], -1)  # (n, 8, 3)
        local = at[:, np.array(BOX_FACES)].reshape(-1, 3)
        first = 4 * np.arange(len(spans) * 6)[:, None]
        faces = (first + np.array([0, 1, 2, 0, 2, 3])).reshape(-1, 3)
        self.add(self.frame(local), local[:, [0, 2]], faces)

    def plate(self, outline: Points, out: float) -> None:
        """A flat shape, `outline` (k, 2) in (u, z) seen from its middle, at one distance from the wall."""
        outline = np.asarray(outline, float)
        if self.frame.radius is not None:  # a straight edge would cut through the bend of the wall
            following = np.roll(outline, -1, axis=0)
            t = np.linspace(0, 1, 9)[:-1, None]
            outline = np.concatenate([a + t * (b - a) for a, b in zip(outline, following, strict=True)])
        rim = _at(outline, out)
        local = np.concatenate([rim.mean(0, keepdims=True), rim])
        self.add(self.frame(local), local[:, [0, 2]], fan(len(outline)))

    def ribbon(self, first: Points, second: Points, smooth: bool = False) -> None:
        """The closed band between two rings (k, 3) of as many points; one facet a side unless smooth."""
        first, second = np.asarray(first, float), np.asarray(second, float)
        following = np.roll(np.arange(len(first)), -1)
        facet = self.model.facet() if smooth else None
        for k, after in enumerate(following):
            self.sheet([first[k], first[after], second[after], second[k]], facet)

    def prism(self, outline: Points, out: Span, back: bool = False) -> None:
        """`outline` (k, 2) in (u, z), drawn out between the pair `out`; `back` closes its inner end too."""
        outline = np.asarray(outline, float)
        self.plate(outline, out[1])
        if back:
            self.plate(outline, out[0])
        self.ribbon(_at(outline, out[0]), _at(outline, out[1]))

    def rim(self, outer: Points, inner: Points, out: Span) -> None:
        """A raised frame between two outlines (k, 2) of as many points."""
        outer, inner = np.asarray(outer, float), np.asarray(inner, float)
        self.ribbon(_at(outer, out[1]), _at(inner, out[1]), smooth=True)
        self.ribbon(_at(outer, out[0]), _at(outer, out[1]))
        self.ribbon(_at(inner, out[0]), _at(inner, out[1]))

    def lathe(self, centre: Point, profile: Sequence[Span], sides: int = 20, turn: float = 0.0) -> None:
        """`profile` [(radius, z), ...] turned about the upright through `centre` (x, y), in world coordinates."""
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
            if sides > SHARP_SIDES:
                self.add(vertices, uv, quads.reshape(-1, 3))
                continue
            for faces in quads:
                used, flat = np.unique(faces, return_inverse=True)
                self.add(vertices[used], uv[used], flat.reshape(2, 3))

    def blob(self, centre: Point, radii: Point, rng: np.random.Generator, roughness: float = 0.12) -> None:
        """A lumpy ball about `centre` (3,) in world coordinates: the stuff of trees and bushes."""
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
        self.add(vertices.reshape(-1, 3), uv.reshape(-1, 2), faces)


def fan(count: int) -> np.ndarray:
    """Faces (count, 3) from vertex 0, the middle, to a rim of `count` vertices after it."""
    k = np.arange(count)
    return np.column_stack([np.zeros_like(k), k + 1, (k + 1) % count + 1])


def _at(outline: np.ndarray, out: float) -> np.ndarray:
    """(u, z) to (u, out, z)."""
    return np.column_stack([outline[:, 0], np.full(len(outline), out), outline[:, 1]])


def _metres(local: np.ndarray) -> np.ndarray:
    """Texture coordinates (n, 2): metres along the two widest of the three axes."""
    spread = np.ptp(local, axis=0)
    if spread[2] > 1e-6:
        run = local[:, 0] if spread[0] >= spread[1] else local[:, 1]
        slope = np.hypot(spread[2], min(spread[0], spread[1])) / spread[2]
        return np.column_stack([run, local[:, 2] * slope])
    return local[:, :2]
