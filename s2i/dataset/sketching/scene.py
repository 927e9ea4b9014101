"""What a hand sees in a photo before it draws: long lines, tone, surfaces and the sky."""

from dataclasses import dataclass

import cv2
import numpy as np

from s2i.dataset.sketching.lines import Line, curved_lines, meeting, straight_lines, without_crumbs
from s2i.dataset.sketching.looking import resized, smoothed, stretched, tilted

SIDE = 360  # a photo is looked at with as many pixels as a square of this side has
SKY = 0.02  # share of the photo from which an even area that touches the upper edge is sky


@dataclass(frozen=True)
class Level:
    """How much of a photo is drawn; lengths are shares of its side, the square root of its area."""

    smoothing: float  # of the photo, before anything is seen
    apart: float  # lines closer together are one
    shortest: float  # line that is drawn
    lines: int  # at most
    surface: float  # smallest area that has a tone of its own, share of the photo's


LEVELS = {
    "fine": Level(smoothing=0.0018, apart=0.005, shortest=0.022, lines=700, surface=0.0002),
    "middle": Level(smoothing=0.0045, apart=0.012, shortest=0.045, lines=220, surface=0.0015),
    "gist": Level(smoothing=0.010, apart=0.022, shortest=0.09, lines=70, surface=0.006),
}


@dataclass(frozen=True)
class Scene:
    """A photo seen at one level of abstraction; rasters are (h, w) with about SIDE² pixels, lines in their pixels."""

    lines: list[Line]  # strongest first
    tone: np.ndarray  # from 0, black, to 1, nearly even within surfaces; about 1 in the sky
    surfaces: np.ndarray  # number of the surface that a pixel is on, from 1
    receding: np.ndarray  # (number of surfaces + 1,): direction of the lines around that are not upright, radians

    @property
    def side(self) -> float:
        return float(np.sqrt(self.tone.size))


def see(image: np.ndarray, level: Level, tilt: np.ndarray) -> Scene:
    """A photo (H, W, 3) uint8 RGB as a hand sees it that gets the perspective wrong.

    tilt: (3, 3), the homography that is applied to coordinates from -1 to 1.
    """
    small = tilted(resized(image, SIDE), tilt)
    side = float(np.sqrt(small[..., 0].size))
    smooth = smoothed(small, level.smoothing * side)
    lab = cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB)
    strength = _strength(lab)
    lines = _lines(smooth, lab, strength, level)
    sky = _sky(strength)
    detail = cv2.GaussianBlur(stretched(lab[..., 0]), (0, 0), max(level.smoothing * side, 0.8))
    detail[sky] = 1
    surfaces = _surfaces(lines, strength, level.surface * sky.size)
    tone = 0.7 * even(detail, surfaces) + 0.3 * detail
    return Scene(lines, tone, surfaces, _receding(lines, surfaces))


def _lines(smooth: np.ndarray, lab: np.ndarray, strength: np.ndarray, level: Level) -> list[Line]:
    side = float(np.sqrt(strength.size))
    straight = straight_lines(lab, strength, level.apart * side, level.shortest * side)
    turning = (0.15 + level.shortest) * side
    curves = curved_lines(smooth, strength, straight, turning)
    straight = without_crumbs(straight, curves, turning / 2, strength.shape)
    lines = meeting(straight + curves, 2 * level.apart * side + 2)
    return sorted(lines, key=lambda line: -line.strength * line.length**0.6)[: level.lines]


def _strength(lab: np.ndarray) -> np.ndarray:
    """How strongly lightness or hue changes, (h, w) float32 about in [0, 1]."""
    blurred = cv2.GaussianBlur(lab, (0, 0), 1).astype(np.float32) * np.array((1, 1.2, 1.2), np.float32)
    across, down = cv2.Scharr(blurred, -1, 1, 0), cv2.Scharr(blurred, -1, 0, 1)
    return np.hypot(across, down).max(axis=2) / (16 * 60)


def _sky(strength: np.ndarray) -> np.ndarray:
    """Where the photo is even from its upper edge on."""
    even = cv2.erode((strength < 0.07).astype(np.uint8), np.ones((5, 5), np.uint8))
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(even, connectivity=4)
    large = statistics[:, cv2.CC_STAT_AREA] > SKY * even.size
    large[0] = False
    touching = np.isin(np.arange(len(large)), labels[:3]) & large
    return cv2.dilate(touching[labels].astype(np.uint8), np.ones((7, 7), np.uint8)) > 0


def _surfaces(lines: list[Line], strength: np.ndarray, smallest: float) -> np.ndarray:
    """Numbers what lines, or strong changes of light, divide; less than smallest pixels is part of its surroundings."""
    open_area = (strength < 0.25).astype(np.uint8)
    corners = [np.rint(line.points * 16).astype(np.int32) for line in lines]
    cv2.polylines(open_area, corners, False, 0, 1, cv2.LINE_8, 4)
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(open_area, connectivity=4)
    large = statistics[:, cv2.CC_STAT_AREA] >= smallest
    large[0] = False
    if not large.any():
        return np.ones(strength.shape, np.int32)
    numbers = (np.cumsum(large) * large).astype(np.int32)[labels]
    _, nearest = cv2.distanceTransformWithLabels(
        (numbers == 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_nearest = np.zeros(nearest.max() + 1, np.int32)
    of_nearest[nearest[numbers > 0]] = numbers[numbers > 0]
    return of_nearest[nearest]


def even(values: np.ndarray, surfaces: np.ndarray) -> np.ndarray:
    """The mean of values (h, w) over the surface that each pixel is on, (h, w) float32."""
    return _means(values, surfaces)[surfaces].astype(np.float32)


def _means(values: np.ndarray, surfaces: np.ndarray) -> np.ndarray:
    """The mean of values (h, w) by number of the surface, 0 where a number is not there."""
    sums = np.bincount(surfaces.ravel(), weights=values.ravel())
    return sums / np.bincount(surfaces.ravel()).clip(1)


def _receding(lines: list[Line], surfaces: np.ndarray) -> np.ndarray:
    """For every surface the mean direction of the lines near it that are not upright, radians."""
    field = np.zeros((2, *surfaces.shape), np.float32)
    for line in lines:
        step = line.points[-1] - line.points[0]
        angle = np.arctan2(step[1], step[0])
        if abs(np.cos(angle)) > 0.5:
            first, last = (line.points[index].astype(int).tolist() for index in (0, -1))
            for plane, value in zip(field, (np.cos(2 * angle), np.sin(2 * angle)), strict=True):
                cv2.line(plane, first, last, float(value * line.length), 1)
    blurred = [cv2.GaussianBlur(plane, (0, 0), 12) for plane in field]
    cosine, sine = (_means(plane, surfaces) for plane in blurred)
    return np.arctan2(sine, cosine) / 2
