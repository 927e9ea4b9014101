"""One triangle mesh a material, as renderers want them."""

from typing import NamedTuple

import numpy as np

from s2i.embedded.rendering.shapes import Model, Piece


class Mesh(NamedTuple):
    """vertices and normals (n, 3), uv (n, 2), faces (k, 3); parts and facets (k,) of each face."""

    vertices: np.ndarray
    normals: np.ndarray
    uv: np.ndarray
    faces: np.ndarray
    parts: np.ndarray
    facets: np.ndarray


def meshes(model: Model) -> dict[str, Mesh]:
    """The mesh of each material, smooth within a piece only."""
    grouped: dict[str, list[Piece]] = {}
    for piece in model.pieces:
        grouped.setdefault(piece.material, []).append(piece)
    return {material: _merge(pieces) for material, pieces in grouped.items()}


def _merge(pieces: list[Piece]) -> Mesh:
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
    return Mesh(vertices, normals, np.concatenate([piece.uv for piece in pieces]), faces, parts, facets)


def facing(vertices: np.ndarray, faces: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """The faces (k, 3), each wound so that its front is turned to the eye (3,): lamps shine forwards only."""
    corners = vertices[faces]
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    hidden = ((corners[:, 0] - eye) * crossed).sum(1) > 0
    return np.where(hidden[:, None], faces[:, ::-1], faces)
