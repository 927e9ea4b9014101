"""What an image shows, known from its geometry: labels, matte, depth, normals, counts."""

import cv2
import numpy as np

from s2i.embedded.rendering.camera import sensor_of
from s2i.vocabulary.buildings import LABELS

FINE = 3  # the truth is traced at this many times the image's size
LEAST_PART = 5.0  # a window or balcony is visible from this many pixels of a 128 px image on


def trace(mi, meshes, part_labels, camera, size):
    """Labels, matte, depth, normals and counts, from one ray a fine pixel."""
    vertices, vertex_normals, faces, parts, facets = _gather(meshes)
    triangle, hit = _triangles(mi, vertices, faces, camera, size * FINE)
    depth, normals = _intersect(vertices[faces], vertex_normals[faces], triangle, camera)
    parts, facets = np.where(hit, parts[triangle], 0), np.where(hit, facets[triangle], 0)
    depth, normals = np.where(hit, depth, 0), np.where(hit[..., None], normals, 0)
    part_labels = np.asarray(part_labels, np.uint8)
    labels = part_labels[parts]
    seen = np.bincount(parts.ravel(), minlength=len(part_labels)) >= LEAST_PART * (size / 128 * FINE) ** 2
    shares = np.stack([_shrink(labels == k) for k in range(len(LABELS))])
    building = ~np.isin(labels, [LABELS[name] for name in ("sky", "ground", "clutter")])
    centre = slice(FINE // 2, None, FINE)
    return {
        "labels": shares.argmax(0).astype(np.uint8),
        "matte": np.rint(_shrink(building) * 255).astype(np.uint8),
        "depth": depth[centre, centre].astype(np.float32),
        "normals": normals[centre, centre].astype(np.float32),
        "windows": int((seen & (part_labels == LABELS["window"])).sum()),
        "balconies": int((seen & (part_labels == LABELS["balcony"])).sum()),
        "facets": facets.astype(np.int32),
        "fine_depth": depth.astype(np.float32),
        "fine_labels": labels,
        "fine_normals": normals.astype(np.float32),
    }


def _gather(meshes):
    """All meshes as one heap of triangles."""
    offsets = np.cumsum([0] + [len(mesh[0]) for mesh in meshes.values()])
    faces = [mesh[3] + offset for mesh, offset in zip(meshes.values(), offsets, strict=False)]
    columns = [np.concatenate([mesh[k] for mesh in meshes.values()]) for k in (0, 1, 4, 5)]
    return columns[0], columns[1], np.concatenate(faces), columns[2], columns[3]


def _triangles(mi, vertices, faces, camera, size):
    """Which triangle each pixel sees: a render of triangles that glow with their own number.

    (mitsuba's aov integrator says the same twenty times slower in scalar mode.)
    """
    corners = vertices[faces]
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    hidden = ((corners[:, 0] - camera["eye"]) * crossed).sum(1) > 0  # a lamp shines forwards only
    corners[hidden] = corners[hidden, ::-1]
    corners = corners.reshape(-1, 3)
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


def _intersect(corners, corner_normals, triangle, camera):
    """Distance along the ray through each pixel's middle, and the smooth normal there, turned to the camera."""
    size = triangle.shape[0]
    right = np.array([camera["forward"][1], -camera["forward"][0], 0.0])
    grid = (np.arange(size) + 0.5) / size - 0.5
    across = (grid + camera["shift"][0]) * 2 * camera["half"]
    up = (-grid + camera["shift"][1]) * 2 * camera["half"]
    rays = camera["forward"] + across[None, :, None] * right + up[:, None, None] * np.array([0.0, 0.0, 1.0])
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    first, second, third = (corners[:, k] for k in range(3))
    plane = np.cross(second - first, third - first)
    plane /= np.maximum(np.linalg.norm(plane, axis=1, keepdims=True), 1e-12)
    reach = ((first - camera["eye"]) * plane).sum(1)[triangle]
    slant = (rays * plane[triangle]).sum(-1)
    depth = np.clip(reach / np.where(np.abs(slant) < 1e-3, 1e-3, slant), 0, 1000)
    normals = corner_normals.mean(1)[triangle]
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    facing = np.where((normals * rays).sum(-1, keepdims=True) > 0, -normals, normals)
    return depth, facing


def _shrink(mask):
    size = mask.shape[0] // FINE
    return cv2.resize(mask.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
