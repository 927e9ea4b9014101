"""What stands in streets: cars, vans, people, lamps."""

import numpy as np

from s2i.embedded.rendering.brush import Brush
from s2i.embedded.rendering.shapes import Faces, Frame, Model, Point
from s2i.embedded.rendering.tubes import tubes

PAINTS = ("car white", "car silver", "car black", "car red", "car blue")
CLOTHES = ("cloth dark", "cloth pale", "cloth red", "cloth blue")
WHEEL = 0.33  # metres, its radius
# Side view of a saloon and of a van, in metres from the front bumper: body, then windows.
SALOON = (
    [(0.0, 0.3), (0.05, 0.62), (0.25, 0.74), (1.15, 0.9), (3.6, 0.92), (4.25, 0.86), (4.35, 0.55), (4.3, 0.3)],
    [(1.1, 0.9), (1.75, 1.4), (2.9, 1.44), (3.75, 0.92)],
)
VAN = (
    [(0.0, 0.3), (0.0, 0.85), (0.75, 1.0), (1.4, 1.75), (1.6, 1.95), (4.8, 1.95), (4.85, 0.3)],
    [(0.85, 1.05), (1.4, 1.68), (2.1, 1.7), (2.1, 1.05)],
)


def vehicle(model: Model, rng: np.random.Generator, foot: Point, turn: float) -> None:
    """A car or, now and then, a van, its front bumper's corner at `foot` (x, y), heading `turn` radians from +x."""
    frame = Frame(foot[0], foot[1], turn)
    paint = Brush.new(model, "vehicle", PAINTS[int(rng.integers(len(PAINTS)))], frame)
    van = rng.random() < 0.2
    body, cabin = VAN if van else SALOON
    width = 1.95 if van else 1.75
    paint.prism(body, (0, width), back=True)
    glass = paint.of("car glass")
    if van:
        for out in (-0.01, width + 0.01):
            glass.plate(cabin, out)
        glass.sheet([(0.8, 0.12, 1.06), (0.8, width - 0.12, 1.06), (1.36, width - 0.12, 1.72), (1.36, 0.12, 1.72)])
    else:
        _cabin(glass, paint, cabin, width)
    tyre = paint.of("tyre")
    angles = np.linspace(0, 2 * np.pi, 17)[:-1]
    length = max(u for u, _ in body)
    for u in (0.78, length - 0.82):
        for side in ((-0.02, 0.2), (width - 0.2, width + 0.02)):
            tyre.prism(np.column_stack([u + WHEEL * np.cos(angles), WHEEL + WHEEL * np.sin(angles)]), side, back=True)
            hub = np.column_stack([u + 0.19 * np.cos(angles), WHEEL + 0.19 * np.sin(angles)])
            for face in (side[0] - 0.01, side[1] + 0.01):
                paint.of("car silver").plate(hub, face)
    lamps = [(-0.03, 0.05, o, o + 0.3, 0.55, 0.68) for o in (0.1, width - 0.4)]
    paint.of("lamp glass").boxes(lamps)
    paint.of("tail lamp").boxes([(length - 0.06, length + 0.03, o, o + 0.25, 0.6, 0.75) for o in (0.1, width - 0.35)])


def _cabin(glass: Brush, paint: Brush, cabin: list[tuple[float, float]], width: float) -> None:
    """Glass all round, narrower at the top, with a roof and posts of metal."""
    low = [(cabin[0][0], 0.06), (cabin[3][0], 0.06), (cabin[3][0], width - 0.06), (cabin[0][0], width - 0.06)]
    high = [(cabin[1][0], 0.26), (cabin[2][0], 0.26), (cabin[2][0], width - 0.26), (cabin[1][0], width - 0.26)]
    foot = [(u, out, cabin[0][1]) for u, out in low]
    head = [(u, out, cabin[1][1]) for u, out in high]
    glass.ribbon(foot, head)
    roof = [(u, out, z + 0.02) for u, out, z in head]
    paint.sheet(roof)
    middle = ((foot[0][0] + foot[1][0]) / 2, (head[0][0] + head[1][0]) / 2)
    posts = list(zip(foot, head, strict=True))
    posts += [
        ((middle[0], o0, foot[0][2]), (middle[1], o1, head[0][2]))
        for o0, o1 in ((0.06, 0.26), (width - 0.06, width - 0.26))
    ]
    posts += [(head[k], head[(k + 1) % 4]) for k in range(4)]
    tubes(paint, [a for a, _ in posts], [b for _, b in posts], [0.045] * len(posts))


def person(model: Model, rng: np.random.Generator, foot: Point) -> None:
    """Somebody of 1.55 to 1.85 metres who walks across the image or stands."""
    x, y = foot
    skin = Brush.new(model, "person", ("skin pale", "skin brown")[int(rng.integers(2))])
    coat, trousers = skin.of(CLOTHES[int(rng.integers(4))]), skin.of(CLOTHES[int(rng.integers(2))])
    scale, stride = rng.uniform(0.9, 1.06), rng.uniform(0.0, 0.28)
    side = -1 if rng.random() < 0.5 else 1

    def at(u: float, out: float, z: float) -> tuple[float, float, float]:
        return (x + side * u * scale, -y + out * scale, z * scale)

    hips = [at(0, -0.08, 0.86), at(0, 0.08, 0.86)]
    knees = [at(stride * 0.6, -0.09, 0.46), at(-stride * 0.3, 0.09, 0.46)]
    feet = [at(stride, -0.09, 0.06), at(-stride, 0.09, 0.08)]
    tubes(trousers, [*hips, *knees], [*knees, *feet], [0.1, 0.1, 0.075, 0.075], [0.075, 0.075, 0.05, 0.05])
    toes = [at(stride + 0.14, -0.09, 0.04), at(-stride + 0.14, 0.09, 0.05)]
    tubes(skin.of("tyre"), feet, toes, [0.05] * 2)
    tubes(
        coat,
        [at(0, 0, 0.8), at(0.01, 0, 1.1)],
        [at(0.01, 0, 1.12), at(0, 0, 1.45)],
        [0.17, 0.17],
        [0.165, 0.19],
        sides=9,
    )
    tubes(coat, [at(0, 0, 1.44)], [at(0, 0, 1.5)], [0.19], [0.06], sides=9)
    shoulders = [at(0, -0.2, 1.4), at(0, 0.2, 1.4)]
    hands = [at(-stride * 0.7, -0.24, 0.86), at(stride * 0.7, 0.24, 0.86)]
    tubes(coat, shoulders, hands, [0.07] * 2, [0.045] * 2)
    head = at(0.02, 0, 1.63)
    still = np.random.default_rng(0)
    skin.blob((head[0], -head[1], head[2]), (0.095 * scale, 0.085 * scale, 0.12 * scale), still, 0.0)
    hair = at(-0.015, 0, 1.67)
    skin.of("hair").blob((hair[0], -hair[1], hair[2]), (0.1 * scale, 0.095 * scale, 0.1 * scale), still, 0.0)


def street_lamp(model: Model, rng: np.random.Generator, foot: Point, lit: bool) -> None:
    """A lamp at `foot` (x, y): a lantern on a post, or a modern one with an arm."""
    x, y = foot
    iron = Brush.new(model, "street lamp", "iron")
    bulb = iron.of("lamp light" if lit else "lamp glass")
    if rng.random() < 0.5:
        iron.lathe(foot, [(0.14, 0), (0.12, 0.5), (0.06, 0.7), (0.05, 3.3), (0.12, 3.4), (0.03, 3.45)], 10)
        bulb.lathe(foot, [(0.1, 3.45), (0.19, 3.95), (0.0, 3.96)], 8)
        iron.lathe(foot, [(0.24, 3.95), (0.2, 4.02), (0.03, 4.2), (0.0, 4.35)], 8)
        return
    height, reach = rng.uniform(5.5, 7.0), rng.uniform(0.9, 1.4)
    steel = iron.of("pole")
    tubes(steel, [(x, -y, 0)], [(x, -y, height)], [0.09], [0.05], sides=10)
    tubes(steel, [(x, -y, height)], [(x, -y - reach, height + 0.25)], [0.045])
    steel.box((x - 0.14, x + 0.14), (-y - reach - 0.45, -y - reach + 0.1), (height + 0.2, height + 0.3))
    bulb.box((x - 0.1, x + 0.1), (-y - reach - 0.4, -y - reach), (height + 0.17, height + 0.2), Faces.TOP)
