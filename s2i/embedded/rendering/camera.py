"""A camera with a shift lens, as architects use, or a tilted one, as everybody has."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from s2i.embedded.rendering.grammar import Building

LIFT = 0.01  # the building stands this much below the middle, in heights of the image


@dataclass(frozen=True)
class Camera:
    """Where the camera stands and what it takes in.

    eye (3,) in metres; forward, right and up (3,) of length 1; half: tangent of half the angle of view; shift: how far
    the film is moved to the right and up, in widths of the image; metres: what that width spans at the building.
    """

    eye: np.ndarray
    forward: np.ndarray
    right: np.ndarray
    up: np.ndarray
    half: float
    shift: tuple[float, float]
    metres: float


def frame_building(building: Building, points: np.ndarray) -> Camera:
    """The camera that sees the points (n, 3) of a building.

    It looks level, so that uprights stay upright, or is tilted towards the building's middle by the share that
    `building.shot.tilt` says; its film is moved to frame the building.
    """
    low, high = points.min(0), points.max(0)
    middle = (low + high) / 2
    reach = float(np.linalg.norm(high - low))
    turn = np.radians(building.shot.azimuth)
    ahead, right = np.array([-np.sin(turn), np.cos(turn), 0.0]), np.array([np.cos(turn), np.sin(turn), 0.0])
    # No nearer than to see the nearest corner, whatever the lens.
    nearest = float(((points - middle) @ ahead).min())
    away = max(reach * building.shot.distance, -nearest + 0.35 * reach)
    eye = middle - ahead * away
    eye[2] = building.shot.height + building.shot.rise * high[2]
    tilt = building.shot.tilt * np.arctan2(middle[2] - eye[2], away)
    forward = ahead * np.cos(tilt) + np.array([0.0, 0.0, np.sin(tilt)])
    up = np.cross(right, forward)
    depth = (points - eye) @ forward
    across, height = ((points - eye) @ right) / depth, ((points - eye) @ up) / depth
    half = max(np.ptp(across), np.ptp(height)) / 2 / building.shot.fill
    shift = (across.max() + across.min()) / 2 / (2 * half), (height.max() + height.min()) / 2 / (2 * half) + LIFT
    return Camera(eye, forward, right, up, half, shift, 2 * half * float(np.median(depth)))


def sensor_of(mi: Any, camera: Camera, size: int, box: bool = False) -> Any:
    """mitsuba's sensor of a square image; with `box`, each pixel sees only what lies within it."""
    film = {"type": "hdrfilm", "width": size, "height": size, "pixel_format": "rgb", "component_format": "float32"}
    film["rfilter"] = {"type": "box"} if box else {"type": "gaussian", "stddev": 0.45}
    return mi.load_dict(
        {
            "type": "perspective",
            "fov": float(np.degrees(2 * np.arctan(camera.half))),
            "principal_point_offset_x": float(camera.shift[0]),
            "principal_point_offset_y": float(-camera.shift[1]),
            "near_clip": 0.1,
            "far_clip": 10000.0,
            "to_world": mi.ScalarTransform4f().look_at(
                origin=camera.eye.tolist(), target=(camera.eye + camera.forward).tolist(), up=camera.up.tolist()
            ),
            "film": film,
            "sampler": {"type": "independent" if box else "multijitter"},
        }
    )
