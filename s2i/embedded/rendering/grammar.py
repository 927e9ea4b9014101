"""What a rendered building can be: its vocabulary, and one draw from it."""

from dataclasses import dataclass

from s2i.embedded.rendering.draw import Draw
from s2i.embedded.rendering.shot import Day, Shot, sample_day, sample_shot
from s2i.vocabulary.buildings import COLORS, VIEWS

STRUCTURES_OF = {
    "modern": (
        *("villa", "house", "apartment block", "office building", "office tower", "hotel", "tower", "pavilion"),
        *("rotunda", "hall", "shed", "steel frame", "unfinished house", "terrace"),
    ),
    "neoclassical": ("temple", "mansion", "townhouse", "pavilion", "villa", "hotel", "rotunda", "church", "terrace"),
    "gothic": ("church", "townhouse", "tower", "terrace"),
    "american": ("house", "townhouse", "barn", "mansion", "villa", "apartment block", "office tower", "church"),
    "rural": ("cottage", "barn", "house", "church", "shed", "unfinished house"),
}
STRUCTURES = tuple(dict.fromkeys(name for names in STRUCTURES_OF.values() for name in names))

MATERIALS_OF = {
    "modern": ("concrete", "steel", "glass", "wood", "brick"),
    "neoclassical": ("stone", "concrete", "brick"),
    "gothic": ("stone", "brick", "wood"),
    "american": ("wood", "brick"),
    "rural": ("stone", "wood", "brick"),
}
# What a structure can be made of where that is not all that its style knows.
SOLID = ("concrete", "steel", "brick", "stone", "wood")
TALL = ("concrete", "steel", "brick", "stone")
ONLY_OF = {
    "office building": (*TALL, "glass"),
    "office tower": (*TALL, "glass"),
    "tower": (*SOLID, "glass"),
    "pavilion": (*SOLID, "glass"),
    "rotunda": ("glass", "concrete", "stone", "brick"),
    "hotel": TALL,
    "apartment block": TALL,
    "hall": ("steel",),
    "shed": ("steel", "wood"),
    "steel frame": ("steel",),
    "unfinished house": ("brick", "concrete"),
}
COLORS_OF = {
    "concrete": tuple(COLORS),  # painted or rendered
    "wood": tuple(COLORS),  # painted boards
    "steel": ("white", "grey", "black", "red", "orange", "yellow", "green", "blue"),
    "brick": ("white", "grey", "black", "red", "orange", "yellow", "brown"),
    "stone": ("white", "grey", "black", "orange", "yellow", "brown", "pink"),
    "glass": ("grey", "black", "green", "blue", "orange"),
}

# Storeys and bays (window columns of the front), as inclusive ranges.
SIZE_OF = {
    "villa": ((2, 2), (3, 4)),
    "house": ((2, 2), (3, 4)),
    "apartment block": ((3, 6), (4, 7)),
    "office building": ((3, 7), (4, 7)),
    "office tower": ((11, 20), (8, 14)),
    "hotel": ((5, 8), (6, 10)),
    "tower": ((4, 7), (2, 3)),
    "pavilion": ((1, 1), (3, 4)),
    "rotunda": ((1, 3), (7, 13)),
    "temple": ((1, 1), (4, 6)),
    "mansion": ((2, 2), (5, 7)),
    "townhouse": ((3, 4), (2, 3)),
    "terrace": ((2, 3), (6, 10)),
    "church": ((1, 1), (3, 4)),
    "barn": ((1, 1), (2, 3)),
    "hall": ((1, 1), (4, 7)),
    "shed": ((1, 1), (2, 4)),
    "steel frame": ((2, 6), (2, 5)),
    "unfinished house": ((2, 3), (3, 4)),
    "cottage": ((1, 1), (2, 3)),
}
ALWAYS_COLUMNS = ("temple",)
NEVER_COLUMNS = ("office tower", "apartment block", "unfinished house", "terrace")
OFTEN_CURVED = ("tower", "office building", "apartment block", "pavilion")
ALWAYS_CURVED = ("rotunda",)
ROUND_TOWERS = ("tower", "pavilion", "mansion")
OFTEN_BALCONIES = ("villa", "apartment block", "tower", "townhouse", "house", "mansion", "hotel")
# What a building may have beside its walls, and in how many cases.
FEATURES_OF = {
    ("villa", None): {"porch": 0.6, "dormers": 0.7, "bay": 0.7},
    ("villa", "modern"): {},
    ("house", "modern"): {},
    ("house", None): {"bay": 0.35},
    ("house", "american"): {"porch": 0.65, "bay": 0.6},
    ("townhouse", None): {"bay": 0.35},
    ("terrace", None): {"bay": 0.6, "dormers": 0.4},
    ("apartment block", "american"): {"fire escape": 0.85},
    ("apartment block", None): {"roof terrace": 0.3},
    ("office tower", None): {"setback": 0.5},
    ("hotel", None): {"roof terrace": 0.3},
    ("church", None): {"tower": 0.75},
    ("unfinished house", None): {"scaffold": 0.65, "rafters": 0.6},
    ("steel frame", None): {"braces": 0.7, "crane": 0.35},
}
GLASS = 0.5  # how often what can be of glass is, since few buildings can
URBAN = ("apartment block", "office building", "office tower", "hotel", "tower", "townhouse", "terrace")
INDUSTRIAL = ("hall", "shed", "steel frame", "unfinished house")
CLUTTER = {
    "urban": {
        **{"tree": 0.35, "bare tree": 0.3, "street lamp": 0.55, "vehicles": 0.7, "people": 0.6, "neighbour": 0.75},
        **{"opposite": 0.8},
    },
    "industrial": {
        "tree": 0.3,
        "bare tree": 0.3,
        "street lamp": 0.25,
        "vehicles": 0.45,
        "people": 0.4,
        "opposite": 0.2,
    },
    "garden": {
        **{"tree": 0.65, "second tree": 0.4, "bare tree": 0.25, "bushes": 0.5, "neighbour": 0.3, "hedge": 0.2},
        **{"street lamp": 0.15, "vehicles": 0.25, "people": 0.25, "opposite": 0.4},
    },
}
GROUNDS = {
    "urban": ("street", "street", "paving"),
    "industrial": ("yard", "yard", "street", "lawn"),
    "garden": ("lawn", "lawn", "lawn", "paving", "street"),
}


@dataclass(frozen=True)
class Building:
    """One building, the day it is seen on and from where.  Lengths in metres."""

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
    features: tuple[str, ...]
    bay_width: float
    storey_height: float
    trim: str
    door_color: str
    clutter: tuple[str, ...]
    ground: str
    day: Day
    shot: Shot


def sample_building(seed: int) -> Building:
    """The building that `seed` stands for; the same seed always gives the same one."""
    draw = Draw(seed, 2010)
    color = draw.one(tuple(COLORS))
    structure, style, material = _kind(color, draw)
    storeys, bays = (draw.whole(low, high) for low, high in SIZE_OF[structure])
    modern, classical = style == "modern", style in ("neoclassical", "american")
    curved = draw.chance(0.45) and (structure in OFTEN_CURVED if modern else structure in ROUND_TOWERS)
    curved = structure in ALWAYS_CURVED or curved
    view = draw.one(VIEWS)
    setting = "urban" if structure in URBAN else "industrial" if structure in INDUSTRIAL else "garden"
    features = FEATURES_OF.get((structure, style), FEATURES_OF.get((structure, None), {}))
    balconies = structure in OFTEN_BALCONIES and material != "glass" and "fire escape" not in features
    columns = classical and structure not in NEVER_COLUMNS and draw.chance(0.7)
    day = sample_day(draw)
    return Building(
        seed=seed,
        style=style,
        structure=structure,
        color=color,
        material=material,
        view=view,
        roof=_roof(style, structure, curved, draw),
        roof_color=draw.one(_roof_colors(color)),
        curved=curved,
        glass=material == "glass",
        storeys=storeys,
        bays=bays,
        balconies=balconies and draw.chance(0.6),
        columns=columns or structure in ALWAYS_COLUMNS,
        features=draw.some(features),
        bay_width=draw.between(2.5, 3.3),
        storey_height=draw.between(3.0, 3.5),
        trim="charcoal"
        if modern and color != "black" and draw.chance(0.5)
        else "cream"
        if color == "white"
        else "white",
        door_color=draw.one(("oak", "teal", "wine", "charcoal")),
        clutter=draw.some(CLUTTER[setting]),
        ground=draw.one(GROUNDS[setting]),
        day=day,
        shot=sample_shot(draw, view, tall=storeys > 4),
    )


def _kind(color: str, draw: Draw) -> tuple[str, str, str]:
    """Structure, style and material, all structures alike as far as they come in the colour."""
    kinds = [
        (structure, style, material)
        for style, structures in STRUCTURES_OF.items()
        for structure in structures
        for material in MATERIALS_OF[style]
        if material in ONLY_OF.get(structure, SOLID) and color in COLORS_OF[material]
    ]
    structure = draw.one(sorted({kind[0] for kind in kinds}))
    style = draw.one(sorted({kind[1] for kind in kinds if kind[0] == structure}))
    fitting = [kind for kind in kinds if kind[:2] == (structure, style)]
    glass = [kind for kind in fitting if kind[2] == "glass"]
    return glass[0] if glass and draw.chance(GLASS) else draw.one(fitting)


def _roof(style: str, structure: str, curved: bool, draw: Draw) -> str:
    fixed = {"hall": ("pitched", "barrel"), "shed": ("pitched", "sawtooth"), "unfinished house": ("pitched",)}
    if structure in fixed:
        return draw.one(fixed[structure])
    if structure in ("hotel", "terrace") and style != "modern":
        return draw.one({"hotel": ("mansard", "flat"), "terrace": ("pitched", "mansard")}[structure])
    if structure in ("office tower", "apartment block", "steel frame"):
        return "flat"
    if style == "modern":
        return draw.one(("flat", "flat", "pitched")) if structure in ("house", "villa", "terrace") else "flat"
    if structure == "townhouse":
        return draw.one(("flat", "pitched", "mansard")) if style != "gothic" else "pitched"
    if structure == "tower":
        return "cone" if curved else "spire"
    if structure in ("pavilion", "rotunda"):
        return "dome"
    if structure in ("mansion", "house", "villa"):
        return draw.one(("pitched", "hipped"))
    return "pitched"


def _roof_colors(color: str) -> list[str]:
    """Roofs keep away from the wall's colour, so that one name fits the building."""
    near = {"red": "tile", "orange": "tile", "brown": "umber", "black": "slate", "grey": "slate", "pink": "tile"}
    return [name for name in ("slate", "tile", "umber", "lead") if name != near.get(color)]
