"""From a drawn building to its image and the truth about it."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2i.embedded.rendering import massing, site, sky, truth
from s2i.embedded.rendering.camera import Camera, frame_building, sensor_of
from s2i.embedded.rendering.denoise import denoise
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.meshes import Mesh, facing, meshes
from s2i.embedded.rendering.shapes import Model
from s2i.embedded.rendering.surfaces import GLOW, Bsdf, Materials

COURSES = 105  # courses of masonry that fit side by side into an image, so that 256 pixels can show them
COURSE_SIZES = (0.05, 0.16)  # metres that a course is at least and at most high


@dataclass(frozen=True)
class Rendering:
    """An image (H, W, 3) uint8 and its truth: labels and matte (H, W) uint8, depth (H, W) float32 in metres (0 where
    there is sky), normals (H, W, 3) float32 towards the camera.  `facets` (int32, 0 is sky), `fine_depth`,
    `fine_labels` and `shade` (how far a face turns from the sun, 0..1) are `FINE` times as large."""

    image: np.ndarray
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
    model = Model(np.random.default_rng([building.seed, 23]))
    massing.build(model, building)
    camera = frame_building(building, np.concatenate([piece.vertices for piece in model.pieces]))
    site.furnish(model, building, camera)
    surfaces = meshes(model)
    scene = mi.load_dict(_scene(mi, building, surfaces, camera))
    path = mi.load_dict({"type": "path", "max_depth": 3, "rr_depth": 10})
    light = np.array(
        mi.render(scene, sensor=sensor_of(mi, camera, size), integrator=path, spp=samples, seed=noise_seed)
    )
    known = truth.trace(mi, surfaces, model.labels, camera, size)
    return Rendering(
        image=_round(denoise(_develop(light[..., :3] * sky.exposure(building)), known.facets)),
        labels=known.labels,
        matte=known.matte,
        depth=known.depth,
        normals=known.normals,
        windows=known.windows,
        balconies=known.balconies,
        facets=known.facets,
        fine_depth=known.fine_depth,
        fine_labels=known.fine_labels,
        shade=_shade(building, known.fine_normals),
    )


@functools.cache
def _mitsuba() -> Any:
    try:
        import drjit
        import mitsuba as mi
    except ImportError as missing:
        raise ImportError("rendering the corpus needs mitsuba: pip install -e '.[corpus]'") from missing
    mi.set_variant("scalar_rgb")
    drjit.set_thread_count(1)
    mi.set_log_level(mi.LogLevel.Error)
    return mi


def _scene(mi: Any, building: Building, surfaces: dict[str, Mesh], camera: Camera) -> dict[str, Any]:
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
    materials = Materials(mi, building, unit=float(np.clip(camera.metres / COURSES, *COURSE_SIZES)))
    for name, mesh in surfaces.items():
        scene["mesh " + name] = _mesh(mi, name, mesh, materials(name), camera)
    return scene


def _mesh(mi: Any, name: str, mesh: Mesh, bsdf: Bsdf, camera: Camera) -> Any:
    vertices, normals, uv, faces = mesh[:4]
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(bsdf)
    if name in GLOW:
        properties["emitter"] = mi.load_dict(GLOW[name])
        faces = facing(vertices, faces, camera.eye)
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


def _develop(light: np.ndarray) -> np.ndarray:
    """Linear light to sRGB, with a shoulder that keeps bright walls from clipping."""
    value = np.maximum(light, 0)
    knee = 0.7
    value = np.where(value > knee, knee + (1 - knee) * np.tanh((value - knee) / (1 - knee)), value)
    srgb = np.where(value <= 0.0031308, value * 12.92, 1.055 * np.maximum(value, 1e-9) ** (1 / 2.4) - 0.055)
    return np.clip(srgb * 255, 0, 255)


def _round(image: np.ndarray) -> np.ndarray:
    return np.rint(image).astype(np.uint8)


def _shade(building: Building, normals: np.ndarray) -> np.ndarray:
    towards = -sky.sun(building)[0]
    return np.clip(0.5 - 0.6 * normals @ towards, 0, 1).astype(np.float32)
