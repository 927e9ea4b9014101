"""Windows and doors, set back in the wall where it can be cut."""

from dataclasses import dataclass

import numpy as np

from s2i.embedded.rendering import walls
from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.grammar import Building
from s2i.embedded.rendering.metalwork import steps
from s2i.embedded.rendering.shapes import Block, Frame, Model, Span

WINDOW_KINDS = {
    "modern": ("plain", "plain", "single"),
    "neoclassical": ("hooded", "framed"),
    "gothic": ("pointed",),
    "american": ("sash", "sash", "framed"),
    "rural": ("shuttered", "shuttered", "sash"),
}
RECESS = {"modern": 0.16, "neoclassical": 0.2, "gothic": 0.28, "american": 0.1, "rural": 0.18}  # metres
FRAME = 0.07  # metres, width of a window's own frame
BAR = 0.05  # metres, width of a glazing bar
PANES = ("pane", "curtain", "lit pane")
TILT = 0.012  # metres that a pane may stand out of true: no two reflect the same piece of sky
MANY = 60  # openings of a building from which on its windows have fewer bars


@dataclass(frozen=True)
class Opening:
    """A hole for a window or a door: its middle along the wall, its foot, its size, all in metres."""

    u: float
    sill: float
    width: float
    height: float

    @property
    def head(self) -> float:
        """Height of its upper end in metres."""
        return self.sill + self.height

    @property
    def span(self) -> Span:
        """From its left to its right edge in metres."""
        return self.u - self.width / 2, self.u + self.width / 2

    def outline(self, tip: str = "flat", inset: float = 0.0) -> np.ndarray:
        """(k, 2) points (u, z), as many for one kind of tip: flat, round or pointed; moved inwards by `inset`."""
        half, low = self.width / 2 - inset, self.sill + inset
        if tip == "flat":
            high = self.head - inset
            return np.array([(self.u - half, low), (self.u + half, low), (self.u + half, high), (self.u - half, high)])
        spring = self.head - (self.width * 0.5 if tip == "round" else self.width * 0.85)
        angles = np.linspace(0, np.pi, 11)
        if tip == "round":
            arch = np.column_stack([self.u + half * np.cos(angles), spring + half * np.sin(angles)])
        else:
            across = np.cos(angles)
            rise = (self.width * 0.85 - inset) * (1 - np.abs(across) ** 1.5) ** 0.8
            arch = np.column_stack([self.u + half * across, spring + rise])
            arch[5, 0] = self.u
        return np.concatenate([[(self.u - half, low), (self.u + half, low)], arch])


def window_kind(building: Building) -> str:
    """The kind of window that a building has throughout."""
    kinds = WINDOW_KINDS[building.style]
    return kinds[building.seed % len(kinds)]


def window(model: Model, building: Building, frame: Frame, opening: Opening, kind: str | None = None) -> None:
    """A window in its surround; `kind` is one of `WINDOW_KINDS` or arched, by default the building's own."""
    kind = kind or window_kind(building)
    glazing, wall = Brush.new(model, "window", glass(model, building), frame), Brush.new(model, "wall", "trim", frame)
    tip = {"pointed": "pointed", "arched": "round"}.get(kind, "flat")
    outline = opening.outline(tip)
    back = -RECESS[building.style] if walls.cut(model, frame, outline) else 0.03
    pane(glazing, opening, tip, back)
    bars = glazing.of("charcoal" if kind in ("plain", "single") and building.trim == "charcoal" else "frame")
    simple = building.storeys * building.bays > MANY
    bars.ribbon(_at(outline, back + 0.05), _at(opening.outline(tip, inset=FRAME), back + 0.05), smooth=True)
    bars.boxes(_bars(building, opening, kind, back, simple))
    if back < 0:
        wall.of("wall").ribbon(_at(outline, 0.0), _at(outline, back), smooth=len(outline) > 4)
    elif not simple:
        wall.rim(opening.outline(tip, inset=-0.1), outline, (0.0, 0.1))
    _surround(model, wall, opening, kind, tip)


def pane(brush: Brush, opening: Opening, tip: str, out: float) -> None:
    """The glass of an opening, a little out of true."""
    if tip != "flat":
        brush.plate(opening.outline(tip), out)
        return
    if brush.frame.radius is not None:
        brush.panel(opening.span, (opening.sill, opening.head), out)
        return
    tilts = brush.model.rng.uniform(-TILT, TILT, 4)
    brush.sheet([(u, out + tilt, z) for (u, z), tilt in zip(opening.outline(), tilts, strict=True)])


def glass(model: Model, building: Building) -> str:
    """The material of one pane: dark, with curtains, or lit, more often when it is late."""
    return PANES[int(model.rng.choice(3, p=_PANES_LIT if building.day.light == "evening" else _PANES_DARK))]


_PANES_LIT, _PANES_DARK = (0.47, 0.15, 0.38), (0.78, 0.2, 0.02)


def _bars(building: Building, opening: Opening, kind: str, back: float, simple: bool) -> list[Block]:
    """Glazing bars as blocks: u0, u1, out0, out1, z0, z1."""
    (u0, u1), z0, z1 = opening.span, opening.sill, opening.head
    out = (back, back + 0.04)
    if kind == "single":
        return [(u0, u1, *out, z0, z0 + FRAME)]
    if kind == "plain":
        at = opening.u + opening.width * (0.12 if building.seed % 2 else 0.0)
        return [(at - BAR / 2, at + BAR / 2, *out, z0, z1)]
    columns = 1 if simple else 2 if opening.width < 1.3 or kind == "pointed" else 3
    uprights = [u0 + (u1 - u0) * k / columns for k in range(1, columns)] or [opening.u]
    bars = [(u - BAR / 2, u + BAR / 2, *out, z0, z0 + (z1 - z0) * 0.985) for u in uprights]
    levels = [0.5] if kind in ("sash", "framed", "hooded") or simple else [0.3, 0.62]
    if kind == "sash" and not simple and building.seed % 3 == 0:
        levels = [0.25, 0.5, 0.75]
    middle = [z0 + (z1 - z0) * share for share in levels]
    return bars + [(u0, u1, *out, z - BAR / 2, z + BAR / 2) for z in middle]


def _surround(model: Model, wall: Brush, opening: Opening, kind: str, tip: str) -> None:
    """Sill, lintel, frame, hood or shutters, as the kind of window has them."""
    u0, u1 = opening.span
    sill, head = opening.sill, opening.head
    if kind in ("plain", "single"):
        wall.boxes([(u0 - 0.04, u1 + 0.04, 0, 0.07, sill - 0.05, sill)])
        return
    wall.boxes([(u0 - 0.12, u1 + 0.12, 0, 0.14, sill - 0.12, sill)])
    if kind in ("pointed", "arched"):
        wall.rim(opening.outline(tip, inset=-0.1), opening.outline(tip), (0.0, 0.07))
    if kind in ("framed", "hooded"):
        wall.rim(opening.outline(tip, inset=-0.16), opening.outline(tip), (0.0, 0.07))
    if kind == "hooded":
        wall.boxes(
            [
                (u0 - 0.2, u1 + 0.2, 0, 0.16, head + 0.16, head + 0.26),
                (u0 - 0.28, u1 + 0.28, 0, 0.26, head + 0.26, head + 0.36),
            ]
        )
    if kind == "sash":
        wall.boxes([(u0 - 0.14, u1 + 0.14, 0, 0.06, head, head + 0.2)])
    if kind == "shuttered":
        leaf = opening.width * 0.46
        shutters = wall.of("shutter")
        for low in (u0 - leaf - 0.05, u1 + 0.05):
            shutters.box((low, low + leaf), (0.02, 0.07), (sill, head))
        ribs = [
            (low, low + leaf, 0.07, 0.085, z, z + 0.05)
            for low in (u0 - leaf - 0.05, u1 + 0.05)
            for z in np.linspace(sill + 0.1, head - 0.15, 7)
        ]
        shutters.boxes(ribs)


def door(model: Model, building: Building, frame: Frame, opening: Opening) -> None:
    """A door with its surround; steps lead down from its foot to the ground."""
    leaf, wall = Brush.new(model, "door", "door", frame), Brush.new(model, "wall", "trim", frame)
    tip = {"gothic": "pointed", "neoclassical": "round"}.get(building.style, "flat")
    u0, u1 = opening.span
    foot, head = opening.sill, opening.head
    outline = opening.outline(tip)
    back = -0.22 if walls.cut(model, frame, outline) else 0.04
    if back < 0:
        wall.of("wall").ribbon(_at(outline, 0.0), _at(outline, back), smooth=tip != "flat")
    _leaf(leaf, building, opening, tip, back)
    wall.rim(opening.outline(tip, inset=-0.16), outline, (0.0, 0.1))
    if building.style == "neoclassical":
        half, top = opening.width / 2 + 0.45, head + 0.25
        wall.prism([(opening.u - half, top), (opening.u + half, top), (opening.u, top + 0.55)], (0, 0.4))
        for at in (u0 - 0.32, u1 + 0.12):
            wall.box((at, at + 0.2), (0, 0.14), (foot, top))
    elif building.style != "gothic":
        wall.box((u0 - 0.35, u1 + 0.35), (0, 1.0), (head + 0.22, head + 0.34))
    steps(model, building, frame, opening)


def _leaf(leaf: Brush, building: Building, opening: Opening, tip: str, back: float) -> None:
    """Panelled, or of glass in an iron frame, as shops and offices have it."""
    u0, u1 = opening.span
    foot, height = opening.sill, opening.height
    if building.style == "modern" and building.structure not in ("house", "villa", "terrace"):
        leaf.of("pane").plate(opening.outline(tip), back)
        bars = [(u - 0.05, u + 0.05, back, back + 0.06, foot, opening.head) for u in (u0 + 0.05, opening.u, u1 - 0.05)]
        leaf.of("charcoal").boxes([*bars, (u0, u1, back, back + 0.06, opening.head - 0.1, opening.head)])
        return
    leaf.plate(opening.outline(tip), back)
    width = opening.width * 0.34
    for at in (-0.24, 0.24):
        for low, high in ((0.08, 0.36), (0.42, 0.72)):
            shape = Opening(opening.u + at * opening.width, foot + low * height, width, (high - low) * height)
            leaf.rim(shape.outline(), shape.outline(inset=0.06), (back, back + 0.04))
    leaf.of("brass").boxes([(opening.u + 0.02, opening.u + 0.07, back, back + 0.09, foot + 1.0, foot + 1.15)])


def _at(outline: np.ndarray, out: float) -> np.ndarray:
    """(u, z) to (u, out, z)."""
    return np.column_stack([outline[:, 0], np.full(len(outline), out), outline[:, 1]])
