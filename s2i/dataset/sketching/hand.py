"""How a hand draws: wobble, overshoot, wrong perspective, unfinished edges, construction lines."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from scipy import ndimage

from s2i.core.parameters.fields import Abstraction
from s2i.dataset.sketching.lines import Line
from s2i.dataset.sketching.looking import wrong_perspective
from s2i.dataset.sketching.scene import LEVELS, Scene, see


@dataclass(frozen=True)
class Hand:
    """One drawing's faults; lengths are shares of its side, the square root of its area."""

    wobble: float  # how far a stroke strays
    overshoot: float  # how far it runs past its end
    restated: float  # share of the strokes drawn twice
    unfinished: float  # from 0, all is drawn, to 1, only the middle is
    construction: float  # share of long lines that a faint one runs through, across the sheet


@dataclass(frozen=True)
class Stroke:
    """points: (n, 2) float, x and y as shares of the sheet's width and height; pressure: (n,) in [0, 1]."""

    points: np.ndarray
    pressure: np.ndarray


def begin(
    image: np.ndarray, rng: np.random.Generator, abstraction: Abstraction, firm: float = 1.0
) -> tuple[Scene, Hand]:
    """What is seen of a photo (H, W, 3) uint8 at a level, rng's own where it is mixed, and the hand that draws it.

    firm: below 1 for media that are drawn with a ruler, or with care; it scales every fault.
    """
    drawn_level = str(rng.choice(list(LEVELS)))
    level = LEVELS[drawn_level if abstraction == "mixed" else abstraction]
    tilt = wrong_perspective(rng, firm)
    faults = rng.beta(1.2, 2.2, 5) * firm  # mostly small
    hand = Hand(
        wobble=0.0008 + 0.0035 * faults[0],
        overshoot=0.002 + 0.02 * faults[1],
        restated=0.1 + 0.6 * faults[2],
        unfinished=max(0.0, 1.3 * faults[3] - 0.35),
        construction=max(0.0, 0.8 * faults[4] - 0.15),
    )
    return see(image, level, tilt), hand


def outlines(scene: Scene, hand: Hand, rng: np.random.Generator) -> list[Stroke]:
    """The lines of a scene as this hand draws them, some twice, pressed harder the stronger the edge is."""
    finished, strokes = _finished(scene, hand, rng), []
    for line in scene.lines:
        weight = 0.45 + 0.55 * min(line.strength / 0.5, 1)
        for number in range(1 + (rng.random() < hand.restated)):
            strokes.append(_stroke(line, hand, 1 + number, weight * (1 - 0.25 * number), scene, finished, rng))
    return [stroke for stroke in strokes if stroke.pressure.max() > 0.08]


def construction_lines(scene: Scene, hand: Hand, rng: np.random.Generator) -> list[Stroke]:
    """Faint straight strokes through long lines and beyond them."""
    chosen = [one for one in scene.lines if one.straight and one.length > 0.12 * scene.side]
    strokes = []
    for line in chosen[:40]:
        if rng.random() < hand.construction:
            ahead = (line.points[-1] - line.points[0]) / line.length
            beyond = rng.uniform(0.05, 0.3, 2) * scene.side
            ends = np.stack([line.points[0] - beyond[0] * ahead, line.points[-1] + beyond[1] * ahead])
            faint = replace(line, points=ends)
            strokes.append(_stroke(faint, replace(hand, overshoot=0), 1, rng.uniform(0.2, 0.4), scene, None, rng))
    return strokes


def share(points: np.ndarray, scene: Scene) -> np.ndarray:
    """Points (n, 2) in the pixels of a scene as shares of width and height."""
    return points / scene.tone.shape[::-1]


def shade(scene: Scene, hand: Hand, rng: np.random.Generator) -> np.ndarray:
    """How dark a scene is to be shaded (h, w) in [0, 1]: less on the ground in front, not at all where unfinished."""
    dark = 1 - scene.tone
    ground = np.isin(scene.surfaces, scene.surfaces[-2:])
    return dark * np.where(ground, rng.uniform(0.3, 0.9), 1) * _finished(scene, hand, rng)


def _finished(scene: Scene, hand: Hand, rng: np.random.Generator) -> np.ndarray:
    """1 where the drawing is finished, 0 where it never was begun, (h, w); it is begun where most lines are."""
    height, width = scene.tone.shape
    centre = np.median([line.points.mean(axis=0) for line in scene.lines], axis=0) if scene.lines else (width / 2,) * 2
    y, x = np.mgrid[:height, :width]
    reach = np.hypot((x - centre[0]) / (0.5 * width), (y - centre[1]) / (0.5 * height))
    ragged = cv2.resize(rng.standard_normal((6, 6)), (width, height), interpolation=cv2.INTER_CUBIC)
    edge = 1.75 - 0.8 * hand.unfinished
    return ((edge - reach - 0.16 * ragged) / 0.3).clip(0, 1).astype(np.float32)


def _stroke(
    line: Line,
    hand: Hand,
    reach: int,
    weight: float,
    scene: Scene,
    finished: np.ndarray | None,
    rng: np.random.Generator,
) -> Stroke:
    """One movement along a line: it starts and ends beside it, strays, and is pressed unevenly.

    reach: how many times the hand's wobble.  weight: of the pressure.  finished: see `_finished`.
    """
    side = scene.side
    points = _strayed(_beyond(line, hand.overshoot * side * rng.uniform(0, 1, 2)), hand.wobble * reach * side, rng)
    pressure = weight * np.interp(np.linspace(0, 1, len(points)), np.linspace(0, 1, 5), rng.uniform(0.75, 1.1, 5))
    pressure[-1] *= 0.6
    if finished is not None:
        height, width = finished.shape
        x, y = points.astype(int).T
        pressure = pressure * finished[y.clip(0, height - 1), x.clip(0, width - 1)]
    return Stroke(share(points, scene), pressure.clip(0, 1))


def _beyond(line: Line, ends: np.ndarray) -> np.ndarray:
    """The points of a straight line moved out at both ends by so many pixels; curves as they are."""
    if not line.straight:
        return line.points
    ahead = (line.points[-1] - line.points[0]) / max(line.length, 1e-6)
    ends = np.minimum(ends, 0.25 * line.length)
    return np.stack([line.points[0] - ends[0] * ahead, line.points[-1] + ends[1] * ahead])


def _strayed(points: np.ndarray, wobble: float, rng: np.random.Generator) -> np.ndarray:
    """A line (n, 2) resampled about every 6 pixels that strays from its course smoothly, by about wobble pixels."""
    steps = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    count = max(int(steps[-1] / 6), 3)
    at = np.linspace(0, steps[-1], count + 1)
    x, y = (np.interp(at, steps, points[:, k]) for k in (0, 1))
    ahead = np.gradient(np.stack([x, y]), axis=1)
    across = np.stack([-ahead[1], ahead[0]]) / np.maximum(np.hypot(*ahead), 1e-6)
    drift = ndimage.gaussian_filter1d(rng.standard_normal(count + 1), 2.5, mode="nearest") * 2.2
    bow = np.sin(np.linspace(0, np.pi, count + 1)) * rng.normal(0, 0.8)
    shift = rng.normal(0, 0.5, (2, 1)) * wobble
    return (np.stack([x, y]) + across * wobble * (drift + bow) + shift).T
