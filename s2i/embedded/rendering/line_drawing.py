"""A line drawing from geometry: the strokes an architect's pencil would make of the same view."""

from collections.abc import Iterator

import cv2
import numpy as np
from scipy.ndimage import find_objects

from s2i.embedded.rendering.render import Rendering
from s2i.embedded.rendering.truth import FINE
from s2i.vocabulary.buildings import LABELS, SITE

SCALE = 2  # strokes are drawn on paper this many times finer than the traced geometry, then shrunk
PAPER, GRAPHITE = 255, 35
QUIET = [LABELS[name] for name in SITE]
HATCHED = ("wall", "roof", "window", "door")


def line_drawing(rendering: Rendering, seed: int) -> np.ndarray:
    """Dark strokes on white paper, (H, W) uint8: outlines of every facet, hatching where faces turn from the sun."""
    rng = np.random.default_rng([seed, 19])
    regions = _regions(rendering)
    drawn = np.zeros(regions.shape, np.uint8)
    ink = np.zeros([side * SCALE for side in regions.shape], np.float32)
    fine_line = regions.shape[0] / 128 / FINE
    for outline, weight in _outlines(regions, rendering):
        for start, end in _corners(outline, drawn):
            _stroke(ink, outline[start : end + 1], weight * max(1.0, fine_line**0.5), rng)
    _hatch(ink, rendering, rng)
    size = rendering.labels.shape
    shrunk = cv2.resize(ink, size[::-1], interpolation=cv2.INTER_AREA)
    tooth = 1 - 0.12 * np.abs(rng.standard_normal(size))
    grey = PAPER - (PAPER - GRAPHITE) * np.clip(1.35 * shrunk * tooth, 0, 1)
    return np.rint(grey).astype(np.uint8)


def _regions(rendering: Rendering) -> np.ndarray:
    """Numbers the surfaces a pencil would outline; facets that are one surface in depth and label stay one."""
    facets = rendering.facets.copy()
    quiet = np.isin(rendering.fine_labels, [LABELS["sky"]])
    facets[quiet] = 0
    ground = rendering.fine_labels == LABELS["ground"]
    facets[ground & (rendering.fine_depth > 60)] = -1
    _numbers, dense = np.unique(facets, return_inverse=True)
    return dense.reshape(facets.shape).astype(np.int32)


def _outlines(regions: np.ndarray, rendering: Rendering) -> Iterator[tuple[np.ndarray, float]]:
    """The border of each region as (k, 2) points, outer contours of large regions first, with a pencil weight."""
    least = (regions.shape[0] / 128) ** 2 * 1.5
    areas, boxes = np.bincount(regions.ravel()), find_objects(regions + 1)
    for region in np.argsort(-areas):
        if areas[region] < least:
            continue
        rows, columns = boxes[region]
        y0, x0 = max(rows.start - 1, 0), max(columns.start - 1, 0)
        patch = (regions[y0 : rows.stop + 1, x0 : columns.stop + 1] == region).astype(np.uint8)
        first = int(patch.argmax())
        label = int(rendering.fine_labels[y0 + first // patch.shape[1], x0 + first % patch.shape[1]])
        bold = areas[region] > 40 * least and label not in QUIET
        weight = 1.0 if bold else 0.6
        contours, _ = cv2.findContours(patch, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        for contour in contours:
            if len(contour) > 8:
                yield contour[:, 0] + (x0, y0), weight


def _corners(outline: np.ndarray, drawn: np.ndarray) -> list[tuple[int, int]]:
    """Cuts a border into strokes at its corners, and leaves out what another region's border has drawn already."""
    height, width = drawn.shape
    closed = np.concatenate([outline, outline[:1]])
    x, y = closed.T
    fresh = (drawn[y, x] == 0) & (x > 0) & (y > 0) & (x < width - 1) & (y < height - 1)
    bends = cv2.approxPolyDP(outline[:, None].astype(np.int32), 1.7, True)[:, 0]
    corner = np.zeros(len(closed), bool)
    corner[[int(np.flatnonzero((outline == bend).all(1))[0]) for bend in bends]] = True
    strokes, start = [], None
    for k in range(len(closed)):
        if fresh[k] and start is None:
            start = k
        elif start is not None and (not fresh[k] or (corner[k] and _turns(closed, start, k))):
            strokes.append((start, k))
            start = k if fresh[k] else None
    if start is not None:
        strokes.append((start, len(closed) - 1))
    for start, end in strokes:
        cv2.polylines(drawn, [closed[start : end + 1][:, None].astype(np.int32)], False, 1, 5)
    return [(start, min(end, len(outline) - 1)) for start, end in strokes if end - start > 4]


def _turns(points: np.ndarray, start: int, here: int, least: float = 25.0) -> bool:
    """Does the border turn by more than `least` degrees at `here`?"""
    reach = 7
    before = points[here] - points[max(start, here - reach)]
    after = points[min(len(points) - 1, here + reach)] - points[here]
    cosine = before @ after / max(np.linalg.norm(before) * np.linalg.norm(after), 1e-6)
    return cosine < np.cos(np.radians(least))


def _stroke(ink: np.ndarray, points: np.ndarray, weight: float, rng: np.random.Generator) -> None:
    """One pull of the pencil: smooth, a little wobbly, a little too long, sometimes drawn twice."""
    size = ink.shape[0]
    line = points.astype(float) * SCALE + SCALE / 2
    length = np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    count = int(np.clip(length / (size / 64), 2, 60))
    at = np.linspace(0, len(line) - 1, count + 1)
    bent = np.column_stack([np.interp(at, np.arange(len(line)), line[:, axis]) for axis in (0, 1)])
    chord = bent[-1] - bent[0]
    straight = bent[0] + np.linspace(0, 1, count + 1)[:, None] * chord
    if np.abs(bent - straight).max() < 2.2 * SCALE:
        bent = straight
        over = min(0.04 * length, size * 0.008) * rng.uniform(0.2, 1.0, 2)
        along = chord / max(np.linalg.norm(chord), 1e-6)
        bent[0] -= along * over[0]
        bent[-1] += along * over[1]
    unit = size / 512
    for pull in range(1 + (rng.random() < 0.25)):
        drift = rng.normal(0, 0.55 * unit, (2, 2)) * (1 + pull)
        phase, period = rng.uniform(0, 2 * np.pi, 2), rng.uniform(0.6, 1.6)
        t = np.linspace(0, 1, count + 1)[:, None]
        sway = 0.5 * unit * np.sin(2 * np.pi * t * period * max(1, length / (size / 3)) + phase)
        path = bent + drift[0] * (1 - t) + drift[1] * t + sway
        dark = weight * rng.uniform(0.7, 1.0) * (0.6 if pull else 1.0)
        _draw(ink, path, dark, thickness=max(5, round(1.5 * unit)))


def _draw(ink: np.ndarray, path: np.ndarray, dark: float, thickness: int) -> None:
    fixed = np.rint(path * 16).astype(np.int32)
    x0, y0 = np.maximum(path.min(0).astype(int) - thickness - 2, 0)
    x1, y1 = path.max(0).astype(int) + thickness + 3
    patch = ink[y0:y1, x0:x1]
    if not patch.size:
        return
    layer = np.zeros(patch.shape, np.uint8)
    cv2.polylines(layer, [fixed - np.array([x0, y0]) * 16], False, 255, thickness, cv2.LINE_AA, 4)
    np.maximum(patch, layer.astype(np.float32) / 255 * dark, out=patch)


def _hatch(ink: np.ndarray, rendering: Rendering, rng: np.random.Generator) -> None:
    """Parallel strokes over the building's shaded faces, cross-hatched glass."""
    size = ink.shape[0]
    gap = size / 128 * 2.6
    y, x = np.mgrid[:size, :size].astype(np.float32)
    wobble = cv2.resize(rng.standard_normal((9, 9)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    shape = ink.shape[::-1]
    labels = cv2.resize(rendering.fine_labels, shape, interpolation=cv2.INTER_NEAREST)
    shade = cv2.resize(rendering.shade, shape, interpolation=cv2.INTER_NEAREST)
    shade = np.where(labels == LABELS["window"], np.maximum(shade, 0.55), shade)
    building = np.isin(labels, [LABELS[name] for name in HATCHED])
    slanted = np.abs((x + y + wobble * gap * 0.4) / np.sqrt(2) % gap - gap / 2)
    lines = np.clip(1.2 - slanted / (size / 512), 0, 1)
    broken = cv2.resize(rng.random((40, 40)).astype(np.float32), shape, interpolation=cv2.INTER_LINEAR) > 0.25
    tone = np.clip((shade - 0.28) * 2, 0, 0.55) * building * broken
    np.maximum(ink, lines * tone, out=ink)
