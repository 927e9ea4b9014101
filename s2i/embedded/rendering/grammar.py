"""What a rendered building can be: its vocabulary, and one draw from it."""

from dataclasses import dataclass

import numpy as np

from s2i.vocabulary.buildings import COLORS, STYLES, VIEWS

STRUCTURES_OF = {
    "modern": ("villa", "house", "apartment block", "office building", "tower", "pavilion"),
    "neoclassical": ("temple", "mansion", "townhouse", "pavilion"),
    "gothic": ("church", "townhouse", "tower"),
    "american": ("house", "townhouse", "barn", "mansion"),
    "rural": ("cottage", "barn", "house"),
}
STRUCTURES = tuple(dict.fromkeys(name for names in STRUCTURES_OF.values() for name in names))

MATERIALS_OF = {
    "modern": ("concrete", "steel", "glass", "wood", "brick"),
    "neoclassical": ("stone", "concrete", "brick"),
    "gothic": ("stone", "brick", "wood"),
    "american": ("wood", "brick"),
    "rural": ("stone", "wood", "brick"),
}
COLORS_OF = {
    "concrete": tuple(COLORS),  # painted or rendered
    "wood": tuple(COLORS),  # painted boards
    "steel": ("white", "grey", "black", "red", "orange", "green", "blue"),
    "brick": ("white", "grey", "black", "red", "orange", "yellow", "brown"),
    "stone": ("white", "grey", "black", "orange", "yellow", "brown", "pink"),
    "glass": ("grey", "black", "green", "blue", "orange"),
}

# Storeys and bays (window columns of the front), as inclusive ranges.
SIZE_OF = {
    "villa": ((2, 2), (2, 3)),
    "house": ((2, 2), (3, 4)),
    "apartment block": ((3, 4), (3, 4)),
    "office building": ((3, 4), (3, 5)),
    "tower": ((4, 5), (2, 3)),
    "pavilion": ((1, 1), (3, 4)),
    "temple": ((1, 1), (4, 6)),
    "mansion": ((2, 2), (5, 5)),
    "townhouse": ((3, 4), (2, 3)),
    "church": ((1, 1), (3, 4)),
    "barn": ((1, 1), (2, 3)),
    "cottage": ((1, 1), (2, 3)),
}
ALWAYS_COLUMNS = ("temple",)
OFTEN_CURVED = ("tower", "office building", "apartment block", "pavilion")
ROUND_TOWERS = ("tower", "pavilion", "mansion")
OFTEN_BALCONIES = ("villa", "apartment block", "tower", "townhouse", "house", "mansion")


@dataclass(frozen=True)
class Building:
    """One building and the day it is seen on.  Angles in degrees, lengths in metres."""

    seed: int
    style: str
    structure: str
    color: str
    material: str
    view: str
    roof: str
    roof_color: str
    curved: bool
    glass: bool
    storeys: int
    bays: int
    balconies: bool
    columns: bool
    bay_width: float
    storey_height: float
    trim: str
    door_color: str
    clutter: tuple[str, ...]
    ground: str
    camera_azimuth: float
    camera_height: float
    sun_azimuth: float
    sun_elevation: float
    overcast: float
    clouds: float


def sample_building(seed: int) -> Building:
    """The building that `seed` stands for; the same seed always gives the same one."""
    rng = np.random.default_rng([seed, 2010])

    def pick(options):
        return options[int(rng.integers(len(options)))]

    def chance(probability):
        return bool(rng.random() < probability)

    color = pick(tuple(COLORS))
    style = pick(STYLES)
    material = pick([material for material in MATERIALS_OF[style] if color in COLORS_OF[material]])
    structure = _structure(style, material, pick)
    storeys, bays = (int(rng.integers(low, high + 1)) for low, high in SIZE_OF[structure])
    modern = style == "modern"
    curved = structure in OFTEN_CURVED and chance(0.45) if modern else structure in ROUND_TOWERS and chance(0.4)
    view = pick(VIEWS)
    turn = {"left": -1, "centre": 0, "right": 1}[view]
    overcast = float(rng.uniform(0.75, 1)) if chance(0.2) else 0.0
    late = chance(0.25)
    return Building(
        seed=seed,
        style=style,
        structure=structure,
        color=color,
        material=material,
        view=view,
        roof=_roof(style, structure, curved, pick),
        roof_color=pick(_roof_colors(color)),
        curved=curved,
        glass=material == "glass",
        storeys=storeys,
        bays=bays,
        balconies=structure in OFTEN_BALCONIES and material != "glass" and chance(0.6),
        columns=structure in ALWAYS_COLUMNS or (style in ("neoclassical", "american") and chance(0.7)),
        bay_width=float(rng.uniform(2.5, 3.1)),
        storey_height=float(rng.uniform(3.0, 3.4)),
        trim="charcoal" if modern and color != "black" and chance(0.5) else "cream" if color == "white" else "white",
        door_color=pick(("oak", "teal", "wine", "charcoal")),
        clutter=tuple(
            name
            for name, share in {
                "tree": 0.75,
                "second tree": 0.4,
                "bushes": 0.5,
                "neighbour": 0.35,
                "hedge": 0.2,
            }.items()
            if chance(share)
        ),
        ground=pick(("lawn", "lawn", "paving", "road")),
        camera_azimuth=turn * float(rng.uniform(24, 38)) if turn else float(rng.uniform(-6, 6)),
        camera_height=float(rng.uniform(1.6, 4.5)),
        sun_azimuth=float(rng.choice([-1, 1]) * rng.uniform(15, 60)),
        sun_elevation=float(rng.uniform(16, 24) if late else rng.uniform(32, 58)),
        overcast=overcast,
        clouds=float(rng.uniform(0.1, 0.75)),
    )


def _structure(style, material, pick):
    if material == "glass":
        return pick(("office building", "tower", "pavilion"))
    return pick(STRUCTURES_OF[style])


def _roof(style, structure, curved, pick):
    if style == "modern":
        return pick(("flat", "flat", "pitched")) if structure in ("house", "villa") else "flat"
    if structure == "townhouse":
        return pick(("flat", "pitched", "mansard")) if style != "gothic" else "pitched"
    if structure == "tower":
        return "cone" if curved else "spire"
    if structure == "pavilion":
        return "dome"
    if structure in ("mansion", "house"):
        return pick(("pitched", "hipped"))
    return "pitched"


def _roof_colors(color):
    """Roofs keep away from the wall's colour, so that one name fits the building."""
    near = {"red": "tile", "orange": "tile", "brown": "umber", "black": "slate", "grey": "slate", "pink": "tile"}
    return [name for name in ("slate", "tile", "umber", "lead") if name != near.get(color)]
