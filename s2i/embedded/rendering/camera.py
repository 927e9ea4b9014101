"""A camera with a shift lens, as architects use."""

import numpy as np

FILL = 0.84  # share of the frame that the building takes


def frame_building(building, points):
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


def sensor_of(mi, camera, size, box=False, samples=1):
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
