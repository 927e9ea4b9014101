"""From a drawn building to its picture and the truth about it."""

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from s2i.corpus import massing, site, sky, textures
from s2i.corpus.denoise import denoise
from s2i.corpus.grammar import COLORS, Building
from s2i.corpus.shapes import LABELS, Model

FINE = 3  # the truth is traced at this many times the picture's size
FILL = 0.84  # share of the frame that the building takes
EXPOSURE = 1.2
LEAST_PART = 5.0  # a window or balcony is visible from this many pixels of a 128 px picture on


@dataclass(frozen=True)
class Rendering:
    """A picture (H, W, 3) uint8 and its truth: labels and matte (H, W) uint8, depth (H, W) float32 in metres (0 where
    there is sky), normals (H, W, 3) float32 towards the camera.  `facets` (int32, 0 is sky), `fine_depth`,
    `fine_labels` and `shade` (how far a face turns from the sun, 0..1) are `FINE` times as large."""

    picture: np.ndarray
    labels: np.ndarray
    matte: np.ndarray
    depth: np.ndarray
    normals: np.ndarray
    windows: int
    balconies: int
    facets: np.ndarray
    fine_depth: np.ndarray
    fine_labels: np.ndarray
    shade: np.ndarray


def render(building: Building, size: int, samples: int, noise_seed: int = 0) -> Rendering:
    """Path-traces `building` on a square of `size` pixels with `samples` a pixel.

    Raises ImportError when mitsuba is not installed.
    """
    mi = _mitsuba()
    model = Model()
    massing.build(model, building)
    points = np.concatenate([piece.vertices for piece in model.pieces])
    camera = _camera(building, points)
    low, high = points.min(0), points.max(0)
    site.furnish(model, building, (low[0], high[0], low[1], high[1]))
    meshes = model.meshes()
    scene = mi.load_dict(_scene(mi, building, meshes, camera))
    path = mi.load_dict({"type": "path", "max_depth": 3, "rr_depth": 10})
    light = np.array(mi.render(scene, sensor=_sensor(mi, camera, size), integrator=path, spp=samples, seed=noise_seed))
    truth = _trace(mi, meshes, model.labels, camera, size)
    return Rendering(
        picture=_round(denoise(_develop(light[..., :3]), truth["facets"])),
        shade=_shade(building, truth.pop("fine_normals")),
        **truth,
    )


@functools.cache
def _mitsuba():
    try:
        import drjit
        import mitsuba as mi
    except ImportError as missing:
        raise ImportError("rendering the corpus needs mitsuba: pip install 's2i[corpus]'") from missing
    mi.set_variant("scalar_rgb")
    drjit.set_thread_count(1)
    mi.set_log_level(mi.LogLevel.Error)
    return mi


def _camera(building, points):
    """A camera with a shift lens: it looks level, so that uprights stay upright, and its film is moved to frame the
    building."""
    middle = (points.min(0) + points.max(0)) / 2
    reach = np.linalg.norm(np.ptp(points, axis=0))
    turn = np.radians(building.camera_azimuth)
    forward = np.array([-np.sin(turn), np.cos(turn), 0.0])
    right = np.array([np.cos(turn), np.sin(turn), 0.0])
    eye = middle - forward * reach * 1.35
    eye[2] = building.camera_height
    away = (points - eye) @ forward
    across, up = ((points - eye) @ right) / away, (points[:, 2] - eye[2]) / away
    half = max(np.ptp(across), np.ptp(up)) / 2 / FILL
    shift = (across.max() + across.min()) / 2 / (2 * half), (up.max() + up.min()) / 2 / (2 * half) + 0.01
    return {"eye": eye, "forward": forward, "half": half, "shift": shift, "metres": 2 * half * np.median(away)}


def _sensor(mi, camera, size, box=False, samples=1):
    film = {"type": "hdrfilm", "width": size, "height": size, "pixel_format": "rgb", "component_format": "float32"}
    film["rfilter"] = {"type": "box"} if box else {"type": "gaussian", "stddev": 0.45}
    return mi.load_dict(
        {
            "type": "perspective",
            "fov": float(np.degrees(2 * np.arctan(camera["half"]))),
            "principal_point_offset_x": float(-camera["shift"][0]),
            "principal_point_offset_y": float(-camera["shift"][1]),
            "near_clip": 0.1,
            "far_clip": 2000.0,
            "to_world": mi.ScalarTransform4f().look_at(
                origin=camera["eye"].tolist(), target=(camera["eye"] + camera["forward"]).tolist(), up=[0, 0, 1]
            ),
            "film": film,
            "sampler": {"type": "independent" if box else "multijitter"},
        }
    )


def _scene(mi, building, meshes, camera):
    towards, irradiance = sky.sun(building)
    turned = mi.ScalarTransform4f().rotate([1, 0, 0], 90)
    scene = {
        "type": "scene",
        "sky": {"type": "envmap", "bitmap": mi.Bitmap(sky.sky(building)), "to_world": turned},
    }
    if irradiance.max() > 0.05:
        value = {"type": "rgb", "value": irradiance.tolist()}
        # The sun is most of the light: drawn four times as often as the sky, it leaves a decibel less noise.
        scene["sun"] = {
            "type": "directional",
            "direction": towards.tolist(),
            "irradiance": value,
            "sampling_weight": 4.0,
        }
    materials = _Materials(mi, building, unit=camera["metres"] / 52)
    for name, mesh in meshes.items():
        scene["mesh " + name] = _mesh(mi, name, mesh, materials(name))
    return scene


def _mesh(mi, name, mesh, bsdf):
    vertices, normals, uv, faces = mesh[:4]
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(bsdf)
    shape = mi.Mesh(
        name, len(vertices), len(faces), props=properties, has_vertex_normals=True, has_vertex_texcoords=True
    )
    parameters = mi.traverse(shape)
    parameters["vertex_positions"] = vertices.astype(np.float32).ravel()
    parameters["vertex_normals"] = normals.astype(np.float32).ravel()
    parameters["vertex_texcoords"] = uv.astype(np.float32).ravel()
    parameters["faces"] = faces.astype(np.uint32).ravel()
    parameters.update()
    return shape


class _Materials:
    """The building's materials by name, as mitsuba dictionaries."""

    def __init__(self, mi, building, unit):
        self.mi, self.building, self.unit = mi, building, unit
        self.rng = np.random.default_rng([building.seed, 17])

    def __call__(self, name):
        b, rng = self.building, self.rng
        if name in ("pane", "tinted", "rail glass"):
            return self._glass(name)
        plain = {
            "white": textures.TRIMS["white"],
            "charcoal": textures.TRIMS["charcoal"],
            "trim": textures.TRIMS[b.trim],
            "column": textures.TRIMS["white" if b.trim == "charcoal" else b.trim],
            "slab": (206, 204, 198) if b.color != "white" else (150, 148, 144),
            "shutter": textures.DOORS[b.door_color],
            "door": textures.DOORS[b.door_color],
            "kerb": (160, 156, 148),
            "steel": (186, 190, 196),
            "trunk": (92, 70, 52),
            "neighbour": (196, 186, 170),
        }
        if name in plain:
            reflectance = {"type": "rgb", "value": textures.linear(plain[name]).tolist()}
        else:
            reflectance = self._bitmap(*self._texture(name, rng))
        diffuse = {"type": "diffuse", "reflectance": reflectance}
        if name == "wall" and b.material == "steel":
            sheen = {"type": "roughconductor", "alpha": 0.25, "specular_reflectance": {"type": "rgb", "value": 0.55}}
            return _both_sides({"type": "blendbsdf", "weight": 0.15, "first": diffuse, "second": sheen})
        return _both_sides(diffuse)

    def _texture(self, name, rng):
        b, unit = self.building, self.unit
        if name == "wall":
            return textures.wall(b.material, b.color, unit, rng)
        if name == "roof":
            return textures.tiles(textures.ROOFS[b.roof_color], unit, rng)
        if name in ("chimney", "rubble"):
            tone = (150, 84, 66) if name == "chimney" else (146, 138, 126)
            return textures.bricks(tone, 2.6 * unit, unit, rng, 0.08, 0.2)
        if name == "paving":
            return textures.panels((178, 172, 162), 2.0, 2.0, rng, 0.05)
        tones = {
            "gravel": (150, 148, 144),
            "lawn": (112, 142, 66),
            "path": (190, 180, 160),
            "road": (104, 104, 108),
            "leaf": (92, 132, 56),
            "leaf dark": (62, 100, 54),
            "hill": (112, 136, 118),
        }
        metres, spread = (2.5, 0.22) if name.startswith("leaf") else (14.0, 0.06)
        return textures.mottled(tones[name], rng, spread=spread, metres=metres)

    def _bitmap(self, texture, metres):
        to_uv = self.mi.ScalarTransform3f().scale([1 / metres[0], 1 / metres[1]])
        return {"type": "bitmap", "bitmap": self.mi.Bitmap(texture), "raw": True, "to_uv": to_uv}

    def _glass(self, name):
        """A mirror over a dark or tinted ground, so that sky and clouds stand in the panes."""
        tint = textures.linear(COLORS[self.building.color]) if name == "tinted" else np.array([0.02, 0.03, 0.04])
        mirror = 0.35 + 0.65 * np.sqrt(tint) if name == "tinted" else np.array([0.82, 0.92, 1.0])
        weight = {"pane": 0.42, "tinted": 0.5, "rail glass": 0.3}[name]
        ground = np.array([0.30, 0.42, 0.45]) if name == "rail glass" else tint * 0.8
        return _both_sides(
            {
                "type": "blendbsdf",
                "weight": weight,
                "first": {"type": "diffuse", "reflectance": {"type": "rgb", "value": ground.tolist()}},
                "second": {"type": "conductor", "specular_reflectance": {"type": "rgb", "value": mirror.tolist()}},
            }
        )


def _both_sides(bsdf):
    return {"type": "twosided", "bsdf": bsdf}


def _develop(light):
    """Linear light to sRGB, with a shoulder that keeps bright walls from clipping."""
    value = np.maximum(light * EXPOSURE, 0)
    knee = 0.7
    value = np.where(value > knee, knee + (1 - knee) * np.tanh((value - knee) / (1 - knee)), value)
    srgb = np.where(value <= 0.0031308, value * 12.92, 1.055 * np.maximum(value, 1e-9) ** (1 / 2.4) - 0.055)
    return np.clip(srgb * 255, 0, 255)


def _round(picture):
    return np.rint(picture).astype(np.uint8)


def _trace(mi, meshes, part_labels, camera, size):
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
    seen = np.array(mi.render(scene, sensor=_sensor(mi, camera, size, box=True), integrator=path, spp=1, seed=1))
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


def _shade(building, normals):
    towards = -sky.sun(building)[0]
    return np.clip(0.5 - 0.6 * normals @ towards, 0, 1).astype(np.float32)
