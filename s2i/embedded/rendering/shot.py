"""The day a building is seen on, and from where."""

from dataclasses import dataclass

from s2i.embedded.rendering.draw import Draw

LIGHTS = ("sun", "late", "evening", "overcast")
LENSES = ("shift", "wide", "steep", "high")


@dataclass(frozen=True)
class Day:
    """The light of one day: one of `LIGHTS`; angles in degrees, cover of cloud and of haze from 0 to 1."""

    light: str
    sun_azimuth: float
    sun_elevation: float
    overcast: float
    clouds: float


@dataclass(frozen=True)
class Shot:
    """One of `LENSES` and where it stands.

    azimuth in degrees from the middle of the front; distance in diagonals of the building; height in metres, to which
    `rise` building's heights are added; tilt: share of the way from level to the building's middle; fill: share of the
    frame that the building takes.
    """

    lens: str
    azimuth: float
    distance: float
    height: float
    rise: float
    tilt: float
    fill: float


def sample_day(draw: Draw) -> Day:
    """A day, sunny in half of all cases."""
    light = draw.one(("sun",) * 6 + ("late",) * 2 + ("evening",) * 2 + ("overcast",) * 3)
    low, high = {"sun": (30, 58), "late": (14, 24), "evening": (5, 10), "overcast": (30, 58)}[light]
    side = draw.one((-1, 1))
    return Day(
        light=light,
        sun_azimuth=side * draw.between(15, 65),
        sun_elevation=draw.between(low, high),
        overcast=draw.between(0.75, 1) if light == "overcast" else 0.0,
        clouds=draw.between(0.1, 0.75),
    )


def sample_shot(draw: Draw, view: str, tall: bool) -> Shot:
    """A view from the left, the right or the front; tall buildings are often seen from below."""
    turn = {"left": -1, "centre": 0, "right": 1}[view]
    lens = draw.one(
        ("shift", "shift", "steep", "steep", "high") if tall else ("shift", "shift", "shift", "wide", "high")
    )
    distance, tilt = {
        "shift": ((1.2, 2.0), (0, 0)),
        "wide": ((0.78, 0.98), (0, 0.4)),
        "steep": ((0.62, 0.85), (0.7, 1.0)),
        "high": ((1.2, 1.9), (0.8, 1.0)),
    }[lens]
    return Shot(
        lens=lens,
        azimuth=turn * draw.between(22, 50) if turn else draw.between(-9, 9),
        distance=draw.between(*distance),
        height=1.65 if lens in ("wide", "steep") else draw.between(1.6, 4.5),
        rise=draw.between(0.35, 1.0) if lens == "high" else 0.0,
        tilt=draw.between(*tilt),
        fill=draw.between(0.76, 0.9),
    )
