"""What an image shows, known from its geometry: labels, matte, depth, normals, counts."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from s2i.embedded.rendering.camera import Camera, sensor_of
from s2i.embedded.rendering.meshes import Mesh, facing
from s2i.vocabulary.buildings import LABELS, SITE

FINE = 3  # the truth is traced at this many times the image's size
# A window or balcony is visible from so many pixels of a 128 px image on, and from twice as many of a 256 px one.
LEAST_PART = 5.0


@dataclass(frozen=True)
class Truth:
    """As in `render.Rendering`; `fine_normals` (FINE * H, FINE * W, 3) float32 point towards the camera."""

    labels: np.ndarray
    matte: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    windows: int
    balconies: int
    facets: np.ndarray
    fine_depth: np.ndarray
    fine_labels: np.ndarray
    fine_normals: np.ndarray


def trace(mi: Any, surfaces: dict[str, Mesh], part_labels: list[int], camera: Camera, size: int) -> Truth:
    """Labels, matte, depth, normals and counts, from one ray a fine pixel.

    part_labels: the number in `LABELS` of each part.
    """
    vertices, vertex_normals, faces, parts, facets = _gather(surfaces)
    triangle, hit = _triangles(mi, vertices, faces, camera, size * FINE)
    depth, normals = _intersect(vertices[faces], vertex_normals[faces], triangle, camera)
    parts, facets = np.where(hit, parts[triangle], 0), np.where(hit, facets[triangle], 0)
    depth, normals = np.where(hit, depth, 0), np.where(hit[..., None], normals, 0)
    labels_of_parts = np.asarray(part_labels, np.uint8)
    labels = labels_of_parts[parts]
    seen = (
        np.bincount(parts.ravel(), minlength=len(labels_of_parts))
        >= LEAST_PART * max(min(size / 128, 1) ** 2, size / 128) * FINE**2
    )
    shares = np.stack([_shrink(labels == k) for k in range(len(LABELS))])
    building = ~np.isin(labels, [LABELS[name] for name in SITE])
    centre = slice(FINE // 2, None, FINE)
    return Truth(
        labels=shares.argmax(0).astype(np.uint8),
        matte=np.rint(_shrink(building) * 255).astype(np.uint8),
        depth=depth[centre, centre].astype(np.float32),
        normals=normals[centre, centre].astype(np.float32),
        windows=int((seen & (labels_of_parts == LABELS["window"])).sum()),
        balconies=int((seen & (labels_of_parts == LABELS["balcony"])).sum()),
        facets=facets.astype(np.int32),
        fine_depth=depth.astype(np.float32),
        fine_labels=labels,
        fine_normals=normals.astype(np.float32),
    )


def _gather(surfaces: dict[str, Mesh]) -> tuple[np.ndarray, ...]:
    """All meshes as one heap of triangles: vertices, their normals, faces, their parts and facets."""
    meshes = list(surfaces.values())
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    faces = [mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=False)]
    return (
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate(faces),
        np.concatenate([mesh.parts for mesh in meshes]),
        np.concatenate([mesh.facets for mesh in meshes]),
    )


def _triangles(
    mi: Any, vertices: np.ndarray, faces: np.ndarray, camera: Camera, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which triangle each pixel sees, and whether it sees one, (size, size) each.

    It is a render of triangles that glow with their own number.

    (mitsuba's aov integrator says the same twenty times slower in scalar mode.)
    """
    corners = vertices[facing(vertices, faces, camera.eye)].reshape(-1, 3)
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict({"type": "diffuse"})
    number = {"type": "mesh_attribute", "name": "face_number"}
    properties["emitter"] = mi.load_dict({"type": "area", "radiance": number})
    shape = mi.Mesh("truth", len(corners), len(faces), props=properties)
    shape.add_attribute("face_number", 3, np.repeat(np.arange(1, len(faces) + 1, dtype=np.float32), 3))
    parameters = mi.traverse(shape)
    parameters["vertex_positions"] = corners.astype(np.float32).ravel()
    parameters["faces"] = np.arange(len(corners), dtype=np.uint32)
    parameters.update()
    scene = mi.load_dict({"type": "scene", "truth": shape})
    path = mi.load_dict({"type": "path", "max_depth": 1})
    seen = np.array(mi.render(scene, sensor=sensor_of(mi, camera, size, box=True), integrator=path, spp=1, seed=1))
    seen = np.rint(seen[..., 0]).astype(int)
    return np.maximum(seen - 1, 0), seen > 0


def _intersect(
    corners: np.ndarray, corner_normals: np.ndarray, triangle: np.ndarray, camera: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """Distance along the ray through each pixel's middle, and the smooth normal there, turned to the camera."""
    size = triangle.shape[0]
    grid = (np.arange(size) + 0.5) / size - 0.5
    across = (grid + camera.shift[0]) * 2 * camera.half
    up = (-grid + camera.shift[1]) * 2 * camera.half
    rays = camera.forward + across[None, :, None] * camera.right + up[:, None, None] * camera.up
    rays /= np.sqrt(np.einsum("ijk,ijk->ij", rays, rays))[..., None]
    first, second, third = (corners[:, k] for k in range(3))
    plane = np.cross(second - first, third - first)
    plane /= np.maximum(np.linalg.norm(plane, axis=1, keepdims=True), 1e-12)
    reach = ((first - camera.eye) * plane).sum(1)[triangle]
    slant = np.einsum("ijk,ijk->ij", rays, plane[triangle])
    depth = np.clip(reach / np.where(np.abs(slant) < 1e-3, 1e-3, slant), 0, 1000)
    normals = corner_normals.mean(1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    normals = normals[triangle]
    away = np.einsum("ijk,ijk->ij", normals, rays) > 0
    return depth, np.where(away[..., None], -normals, normals)


def _shrink(mask: np.ndarray) -> np.ndarray:
    size = mask.shape[0] // FINE
    return cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
