"""What hangs on a wall: windows, doors, balconies, bands, columns."""

import numpy as np

from s2i.embedded.rendering.shapes import Frame

WINDOW_KINDS = {
    "modern": "plain",
    "neoclassical": "hooded",
    "gothic": "pointed",
    "american": "sash",
    "rural": "shuttered",
}


def window(model, building, frame, u, z, width, height, kind=None):
    """A window whose sill stands at height `z`, its middle at `u`."""
    kind = kind or WINDOW_KINDS[building.style]
    part, wall = model.part("window"), model.part("wall")
    tip = "pointed" if kind == "pointed" else "round" if kind == "arched" else "flat"
    outline = _opening(u, z, width, height, tip)
    bars = "charcoal" if kind == "plain" else "white"
    model.plate(part, "pane", frame, outline, 0.03)
    model.rim(part, bars, frame, outline, _opening(u, z, width, height, tip, inset=0.09), (0.03, 0.08))
    rim = 0.12 if kind == "plain" else 0.15
    trim = "trim" if kind != "plain" else "charcoal"
    model.rim(wall, trim, frame, _opening(u, z, width, height, tip, inset=-rim), outline, (0.0, 0.22))
    half = width / 2
    if kind == "plain":
        model.box(part, bars, frame, (u + width * 0.12, u + width * 0.12 + 0.1), (0.03, 0.1), (z, z + height))
    else:
        model.box(part, bars, frame, (u - 0.05, u + 0.05), (0.03, 0.1), (z, z + height * 0.97))
        if kind != "pointed":
            model.box(part, bars, frame, (u - half, u + half), (0.03, 0.1), (z + height * 0.5, z + height * 0.5 + 0.1))
        model.box(wall, "trim", frame, (u - half - 0.3, u + half + 0.3), (0, 0.34), (z - 0.3, z - 0.12))
    if kind == "hooded":
        top = z + height + 0.22
        model.box(wall, "trim", frame, (u - half - 0.35, u + half + 0.35), (0, 0.4), (top, top + 0.22))
    if kind == "shuttered":
        for side in (-1, 1):
            low, high = sorted((u + side * (half + 0.16), u + side * (half + 0.16 + width * 0.42)))
            model.box(wall, "shutter", frame, (low, high), (0, 0.12), (z - 0.05, z + height + 0.05))


def door(model, building, frame, u, z, width=1.5, height=2.5):
    """A door with its surround; steps lead down from `z` to the ground."""
    part, wall = model.part("door"), model.part("wall")
    tip = {"gothic": "pointed", "neoclassical": "flat"}.get(building.style, "flat")
    outline = _opening(u, z, width, height, tip)
    model.plate(part, "door", frame, outline, 0.04)
    inner = _opening(u, z + 0.25, width * 0.62, height * 0.42, "flat")
    model.rim(part, "door", frame, inner, _opening(u, z + 0.25, width * 0.62, height * 0.42, "flat", 0.1), (0.04, 0.1))
    model.box(part, "door", frame, (u - 0.04, u + 0.04), (0.04, 0.09), (z, z + height * 0.95))
    model.rim(wall, "trim", frame, _opening(u, z, width, height, tip, inset=-0.22), outline, (0.0, 0.3))
    if building.style == "neoclassical":
        gable(model, wall, "trim", frame, u, z + height + 0.25, width + 1.2, 0.6, (0, 0.5))
    elif building.style != "gothic":
        model.box(
            wall,
            "trim",
            frame,
            (u - width / 2 - 0.5, u + width / 2 + 0.5),
            (0, 1.1),
            (z + height + 0.25, z + height + 0.45),
        )
    steps = max(1, round(z / 0.25))
    for step in range(steps):
        reach = 0.7 + 0.4 * (steps - 1 - step)
        edge = width / 2 + 0.35 + 0.12 * (steps - 1 - step)
        model.box(
            wall, "kerb", frame, (u - edge, u + edge), (0, reach), (z * step / steps, z * (step + 1) / steps), "bi"
        )


def balcony(model, building, frame, u, z, width, depth=1.2):
    """A slab with a railing, its floor at height `z`."""
    part = model.part("balcony")
    low, high = u - width / 2, u + width / 2
    model.box(part, "slab", frame, (low, high), (0, depth), (z - 0.22, z))
    kind = "bars" if building.style != "modern" else ("solid", "glazed", "bars")[building.seed % 3]
    top = z + 1.05
    edges = [((low, high), (depth - 0.1, depth)), ((low, low + 0.1), (0, depth)), ((high - 0.1, high), (0, depth))]
    if kind != "bars":
        material = "slab" if kind == "solid" else "rail glass"
        for along, out in edges:
            model.box(part, material, frame, along, out, (z, top))
        return
    rail = "charcoal" if building.style == "modern" or building.color in ("white", "pink", "yellow") else "white"
    for along, out in edges:
        model.box(part, rail, frame, along, out, (top - 0.13, top))
    count = max(4, round(width / 0.42))
    for k in range(count + 1):
        at = low + 0.06 + (width - 0.12) * k / count
        model.box(part, rail, frame, (at - 0.06, at + 0.06), (depth - 0.1, depth), (z, top - 0.1), "tb")
    for at in (low, high - 0.1):
        model.box(part, rail, frame, (at, at + 0.1), (depth / 2 - 0.05, depth / 2 + 0.05), (z, top - 0.1), "tb")


def band(model, material, walls, z, out, label="wall"):
    """A plinth, string course or cornice: a course that runs round all `walls`."""
    part = model.part(label)
    for frame, length in walls:
        over = out if frame.radius is None else 0.0
        model.box(part, material, frame, (-over, length + over), (0.0, out), z)


def column(model, frame, u, out, z, radius=0.32):
    """A round column on a square foot, with a square head."""
    part = model.part("wall")
    foot, head = z
    x, y, _ = frame([(u, out, 0)])[0]
    for low, high in ((foot, foot + 0.25), (head - 0.3, head)):
        edge = radius * 1.45
        model.box(part, "column", frame, (u - edge, u + edge), (out - edge, out + edge), (low, high))
    model.lathe(part, "column", (x, y), [(radius * 1.08, foot + 0.25), (radius * 0.85, head - 0.3)], sides=16)


def portico(model, building, frame, u, width, depth, z, count):
    """Columns under an architrave and a pediment, on a floor that reaches out from the wall."""
    floor, head = z
    wall = model.part("wall")
    steps = max(1, round(floor / 0.28))
    for step in range(steps):
        spread = 0.45 * (steps - step)
        span = (u - width / 2 - spread, u + width / 2 + spread)
        model.box(
            wall, "kerb", frame, span, (0, depth + spread), (floor * step / steps, floor * (step + 1) / steps), "bi"
        )
    for k in range(count):
        at = u - width / 2 + 0.5 + (width - 1.0) * k / (count - 1)
        column(model, frame, at, depth - 0.5, (floor, head), radius=min(0.42, width / count / 5))
    model.box(wall, "trim", frame, (u - width / 2, u + width / 2), (0, depth), (head, head + 0.55))
    gable(model, wall, "trim", frame, u, head + 0.55, width, width * 0.19, (0, depth - 0.25), face="wall")
    rake(model, frame, u, head + 0.55, width, width * 0.19, (0, depth + 0.15))


def gable(model, part, material, frame, u, z, width, rise, out, face=None):
    """A triangular block."""
    outline = [(u - width / 2, z), (u + width / 2, z), (u, z + rise)]
    model.prism(part, face or material, frame, outline, out)


def rake(model, frame, u, z, width, rise, out, thickness=0.28, material="roof", label="roof"):
    """The two sloping slabs over a gable."""
    part = model.part(label)
    half = width / 2 + 0.3
    for side in (-1, 1):
        low = (u + side * half, z - 0.3 * rise / (width / 2))
        outline = [low, (u, z + rise), (u, z + rise + thickness), (low[0], low[1] + thickness)]
        model.prism(part, material, frame, outline, out, back=True)


def buttress(model, frame, u, z, depth=0.9, width=0.7):
    """A stepped gothic pier."""
    part = model.part("wall")
    for reach, top in ((depth, z * 0.55), (depth * 0.6, z * 0.85)):
        model.box(part, "wall", frame, (u - width / 2, u + width / 2), (0, reach), (0, top))
        slope = [
            (u - width / 2, 0, top + 0.5),
            (u + width / 2, 0, top + 0.5),
            (u + width / 2, reach, top),
            (u - width / 2, reach, top),
        ]
        model.sheet(part, "trim", frame, slope)


def straight(x0, y0, x1, y1):
    """The frame of a wall that runs from one corner to the next, its outside on the right hand."""
    return Frame(x0, y0, float(np.arctan2(y1 - y0, x1 - x0))), float(np.hypot(x1 - x0, y1 - y0))


def _opening(u, z, width, height, tip, inset=0.0):
    """The outline of an opening, always as many points for one kind of tip."""
    half, low = width / 2 - inset, z + inset
    if tip == "flat":
        high = z + height - inset
        return np.array([(u - half, low), (u + half, low), (u + half, high), (u - half, high)])
    spring = z + height - (width * 0.5 if tip == "round" else width * 0.85)
    angles = np.linspace(0, np.pi, 11)
    if tip == "round":
        arch = np.column_stack([u + half * np.cos(angles), spring + half * np.sin(angles)])
    else:
        across = np.cos(angles)
        arch = np.column_stack(
            [u + half * across, spring + (width * 0.85 - inset) * (1 - np.abs(across) ** 1.5) ** 0.8]
        )
        arch[5, 0] = u
    return np.concatenate([[(u - half, low), (u + half, low)], arch])
