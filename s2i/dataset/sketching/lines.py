"""Long confident lines from a photo, in the place of the crumbs that edge detectors give."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy import ndimage
from skimage.morphology import skeletonize

PARALLEL = np.deg2rad(4)  # directions that differ by less are one
GAP = 0.35  # of its length, that a line may be interrupted for
TURNING = 7.0  # directions, of 12, that a curve takes at least; the outline of windows takes fewer


@dataclass(frozen=True)
class Line:
    """points: (n, 2) float, x and y in pixels; strength: of the change of light there, about in [0, 1]."""

    points: np.ndarray
    strength: float
    straight: bool

    @property
    def length(self) -> float:
        return float(np.hypot(*np.diff(self.points, axis=0).T).sum())


def straight_lines(lab: np.ndarray, strength: np.ndarray, apart: float, shortest: float) -> list[Line]:
    """The straight lines of an image (h, w, 3) uint8 in Lab, each as long as it goes.

    strength: (h, w), of edges.  apart: lines so many pixels beside each other are one.  shortest: length in pixels.
    Source: the segments are those of von Gioi et al., "LSD: a line segment detector", IPOL 2012, in OpenCV.
    """
    detector = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD)
    channels = (lab[..., 0], *(cv2.convertScaleAbs(lab[..., k], alpha=1.6, beta=-77) for k in (1, 2)))
    found = [detector.detect(np.ascontiguousarray(channel))[0] for channel in channels]
    segments = [one.reshape(-1, 4) for one in found if one is not None]
    if not segments:
        return []
    joined = _joined(np.concatenate(segments).astype(np.float64), apart)
    joined = joined[np.hypot(*(joined[:, 2:] - joined[:, :2]).T) >= shortest]
    return [Line(ends.reshape(2, 2), _along(strength, ends.reshape(2, 2)), True) for ends in joined]


def curved_lines(image: np.ndarray, strength: np.ndarray, straight: list[Line], shortest: float) -> list[Line]:
    """The edges of an image (h, w, 3) uint8 that turn, as those of trees do, at least shortest pixels long.

    Those that mostly lie on a straight line at least half as long are left to it.
    """
    edges = cv2.Canny(cv2.GaussianBlur(image, (0, 0), 1.8), 12, 40, L2gradient=True)
    edges[strength < 0.05] = 0
    edges = skeletonize(edges > 0).astype(np.uint8)
    neighbours = cv2.filter2D(edges, -1, np.ones((3, 3)), borderType=cv2.BORDER_CONSTANT)
    edges[neighbours > 3] = 0  # junctions, so that what is left are chains
    chains, _ = cv2.findContours(edges, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    taken = _near([line for line in straight if line.length > shortest / 2], strength.shape)
    curves = []
    for chain in chains:
        points = _once(chain[:, 0].astype(np.float64))
        if len(points) >= shortest and _directions(points) > TURNING and _along(taken, points) < 0.4:
            points = ndimage.gaussian_filter1d(_without_spirals(points), 2.0, axis=0, mode="nearest")[::3]
            curves.append(Line(points, _along(strength, points), False))
    return curves


def without_crumbs(straight: list[Line], curves: list[Line], longest: float, shape: tuple[int, int]) -> list[Line]:
    """The straight lines but for those up to longest pixels that repeat a part of a curve; shape: of the image."""
    taken = _near(curves, shape)
    return [line for line in straight if line.length > longest or _along(taken, line.points) < 0.75]


def meeting(lines: list[Line], reach: float) -> list[Line]:
    """Lines of which the straight ones end where they cross another, if that is within reach pixels of both."""
    straight = [line for line in lines if line.straight]
    if len(straight) < 2:
        return lines
    start, end = (np.array([line.points[k] for line in straight]) for k in (0, -1))
    lengths = np.hypot(*(end - start).T)
    ahead = (end - start) / lengths[:, None]
    cross = ahead[:, None, 0] * ahead[None, :, 1] - ahead[:, None, 1] * ahead[None, :, 0]
    apart = start[None] - start[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        own = (apart[..., 0] * ahead[None, :, 1] - apart[..., 1] * ahead[None, :, 0]) / cross
        other = (apart[..., 0] * ahead[:, None, 1] - apart[..., 1] * ahead[:, None, 0]) / cross
    meet = (np.abs(cross) > 0.3) & (other > -reach) & (other < lengths[None] + reach)
    reach = np.minimum(reach, 0.4 * lengths)
    ends = []
    for place in (np.zeros_like(lengths), lengths):
        off = np.where(meet, np.abs(own - place[:, None]), np.inf)
        nearest = off.argmin(axis=1)
        close = off[np.arange(len(off)), nearest] < reach
        ends.append(np.where(close, own[np.arange(len(off)), nearest], place))
    first, last = (start + place[:, None] * ahead for place in ends)
    met = [replace(line, points=np.stack(pair)) for line, *pair in zip(straight, first, last, strict=True)]
    return met + [line for line in lines if not line.straight]


def _near(lines: list[Line], shape: tuple[int, int]) -> np.ndarray:
    """1 within two pixels of a line, else 0."""
    mask = np.zeros(shape, np.uint8)
    cv2.polylines(mask, [np.rint(line.points * 16).astype(np.int32) for line in lines], False, 1, 5, cv2.LINE_8, 4)
    return mask


def _once(contour: np.ndarray) -> np.ndarray:
    """A chain one pixel wide, which its contour (n, 2) follows there and back, from end to end."""
    following = np.roll(contour, -1, axis=0)
    turning = (np.roll(contour, 1, axis=0) == following).all(axis=1)
    if not turning.any():
        return contour  # a ring
    start = int(np.argmax(turning))
    return np.roll(contour, -start, axis=0)[: len(contour) // 2 + 1]


def _without_spirals(points: np.ndarray) -> np.ndarray:
    """A chain (n, 2) that winds within itself becomes its outline."""
    hull = cv2.convexHull(points.astype(np.float32))
    if np.hypot(*(points[0] - points[-1])) > 0.35 * len(points) or _area(points) > 0.75 * cv2.contourArea(hull):
        return points
    corners = np.concatenate([hull[:, 0], hull[:1, 0]]).astype(np.float64)
    steps = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    at = np.arange(0, steps[-1] + 1)
    return np.stack([np.interp(at, steps, corners[:, k]) for k in (0, 1)], axis=1)


def _area(points: np.ndarray) -> float:
    return cv2.contourArea(points.astype(np.float32))


def _directions(points: np.ndarray) -> float:
    """How many directions a chain (n, 2) takes, the exponential of their entropy."""
    steps = points[4:] - points[:-4]
    shares = np.bincount(((np.arctan2(steps[:, 1], steps[:, 0]) % np.pi) * 12 / np.pi).astype(int) % 12, minlength=12)
    shares = shares[shares > 0] / max(shares.sum(), 1)
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _joined(segments: np.ndarray, apart: float) -> np.ndarray:
    """Segments (n, 4) on one line, or beside it within apart pixels, become one; the longest says where it lies."""
    start, end = segments[:, :2], segments[:, 2:]
    lengths = np.hypot(*(end - start).T)
    angles = np.arctan2(*(end - start).T[::-1])
    left = np.ones(len(segments), bool)
    lines = []
    for longest in np.argsort(-lengths):
        if not left[longest]:
            continue
        direction = (end[longest] - start[longest]) / max(lengths[longest], 1e-6)
        across = np.array([-direction[1], direction[0]])
        from_it, to_it = start - start[longest], end - start[longest]
        turned = np.abs((angles - angles[longest] + np.pi / 2) % np.pi - np.pi / 2)
        beside = np.maximum(np.abs(from_it @ across), np.abs(to_it @ across))
        near = left & (turned < PARALLEL + 1.5 / np.maximum(lengths, 1)) & (beside < apart + 0.02 * lengths)
        along = np.sort(np.stack([from_it @ direction, to_it @ direction]), axis=0)
        first, last = 0.0, lengths[longest]
        for _ in range(3):
            gap = np.minimum(GAP * np.minimum(lengths, last - first), 8 * apart)
            reached = near & (along[0] < last + gap) & (along[1] > first - gap)
            first, last = along[0][reached].min(initial=first), along[1][reached].max(initial=last)
        left[reached] = left[longest] = False
        lines.append([*(start[longest] + first * direction), *(start[longest] + last * direction)])
    return np.array(lines)


def _along(strength: np.ndarray, points: np.ndarray) -> float:
    """Mean over a line (n, 2) of the strongest edge within a pixel."""
    steps = np.linspace(0, len(points) - 1, 12)
    x, y = (np.interp(steps, np.arange(len(points)), points[:, k]) for k in (0, 1))
    height, width = strength.shape
    rows, columns = y.round().astype(int).clip(1, height - 2), x.round().astype(int).clip(1, width - 2)
    around = [strength[rows + dy, columns + dx] for dy, dx in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))]
    return float(np.max(around, axis=0).mean())
