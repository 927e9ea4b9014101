"""What each named surface is made of, as mitsuba dictionaries."""

from typing import Any

import numpy as np

from s2i.embedded.rendering.grammar import Building
from s2i.imaging import textures
from s2i.imaging.textures import Tile
from s2i.vocabulary.buildings import COLORS

Bsdf = dict[str, Any]
SHEETED = ("hall", "shed")  # their walls and roofs are of corrugated steel


LEAVES = ((92, 132, 56), (104, 128, 52), (84, 122, 66), (128, 132, 58))
LAWNS = ((104, 132, 62), (116, 134, 70), (94, 122, 58))
NEIGHBOURS = ((196, 186, 170), (176, 150, 132), (206, 202, 196))
PLAIN = {
    "white": (240, 238, 232),
    "frame": (232, 230, 224),
    "charcoal": (58, 60, 66),
    "iron": (44, 46, 50),
    "brass": (176, 142, 72),
    "kerb": (160, 156, 148),
    "steel": (186, 190, 196),
    "pole": (128, 132, 136),
    "trunk": (88, 70, 56),
    "pot": (168, 92, 62),
    "marking": (224, 224, 218),
    "timber": (192, 152, 104),
    "plank": (176, 146, 108),
    "galvanised": (168, 172, 176),
    "raw concrete": (164, 160, 152),
    "block work": (150, 146, 140),
    "shadow": (30, 30, 34),
    "car white": (228, 228, 226),
    "car silver": (168, 172, 178),
    "car black": (34, 36, 40),
    "car red": (150, 34, 34),
    "car blue": (46, 74, 124),
    "tyre": (32, 32, 34),
    "lamp glass": (226, 222, 206),
    "tail lamp": (150, 24, 24),
    "cloth dark": (44, 46, 58),
    "cloth pale": (196, 184, 164),
    "cloth red": (160, 56, 52),
    "cloth blue": (62, 92, 140),
    "skin pale": (214, 168, 142),
    "skin brown": (128, 86, 62),
    "hair": (56, 42, 34),
    "crane": (222, 172, 48),
}
# What shines by itself, as mitsuba's area lights; seen far more than lit by, so that few samples are spent on it.
GLOW = {
    "lit pane": {"type": "area", "radiance": {"type": "rgb", "value": [0.78, 0.50, 0.22]}, "sampling_weight": 0.05},
    "lamp light": {"type": "area", "radiance": {"type": "rgb", "value": [1.6, 1.2, 0.7]}, "sampling_weight": 0.05},
}
SHINY = ("car white", "car silver", "car black", "car red", "car blue", "steel", "galvanised")


class Materials:
    """The building's materials by name, as mitsuba dictionaries; asked in the same order, they are the same."""

    def __init__(self, mi: Any, building: Building, unit: float):
        """unit: the least height of a course in metres that the image can show."""
        self.mi, self.building, self.unit = mi, building, unit
        self.rng = np.random.default_rng([building.seed, 17])
        self.tone = _aged(COLORS[building.color], self.rng)

    def __call__(self, name: str) -> Bsdf:
        building = self.building
        if name in ("pane", "curtain", "tinted", "spandrel", "rail glass", "car glass"):
            return self._glass(name)
        if name in GLOW:
            return {"type": "diffuse", "reflectance": {"type": "rgb", "value": 0.3}}
        plain = PLAIN | {
            "trim": textures.TRIMS[building.trim],
            "column": textures.TRIMS["white" if building.trim == "charcoal" else building.trim],
            "slab": (206, 204, 198) if building.color != "white" else (150, 148, 144),
            "shutter": textures.DOORS[building.door_color],
            "door": textures.DOORS[building.door_color],
            "paint": self.tone,
        }
        if name in plain:
            reflectance = {"type": "rgb", "value": textures.linear(plain[name]).tolist()}
        else:
            reflectance = self._bitmap(*self._texture(name))
        diffuse = {"type": "diffuse", "reflectance": reflectance}
        if name in SHINY or (name == "wall" and building.material == "steel"):
            sheen = {"type": "roughconductor", "alpha": 0.25, "specular_reflectance": {"type": "rgb", "value": 0.55}}
            return _both_sides({"type": "blendbsdf", "weight": 0.15, "first": diffuse, "second": sheen})
        return _both_sides(diffuse)

    def _texture(self, name: str) -> Tile:
        building, unit, rng = self.building, self.unit, self.rng
        if name == "wall":
            if building.structure in SHEETED and building.material == "steel":
                return textures.corrugated(self.tone, max(2.4 * unit, 0.16), rng)
            # Plates and boards are as large as they are; only what would vanish in the image is drawn larger.
            scale = {"concrete": 3.0, "steel": 3.0, "wood": 1.1}.get(building.material, 1.0)
            return textures.wall(building.material, self.tone, scale * unit, rng, times=3)
        if name == "roof":
            if building.structure in SHEETED:
                return textures.corrugated(textures.ROOFS[building.roof_color], max(2.4 * unit, 0.16), rng)
            return textures.tiles(textures.ROOFS[building.roof_color], max(unit, 0.12), rng)
        if name in ("chimney", "rubble", "brick pile"):
            tone = (146, 138, 126) if name == "rubble" else (150, 84, 66)
            return textures.bricks(tone, (2.6 * unit, unit), rng, 0.1, 0.3)
        if name in ("paving", "pavement"):
            tone, slab = ((178, 172, 162), 0.9) if name == "paving" else ((158, 156, 152), 0.6)
            return textures.panels(tone, (slab, slab), rng, 0.07)
        if name.startswith("neighbour"):
            return textures.windowed(NEIGHBOURS[int(name[-1])], rng)
        if name.startswith("leaf"):
            shade = {"leaf": 1.0, "leaf dark": 0.72, "leaf far": 0.82}[name]
            leaf = tuple(shade * channel for channel in LEAVES[building.seed % len(LEAVES)])
            return textures.mottled(leaf, rng, spread=0.2, metres=1.6)
        tones = {
            "gravel": ((150, 148, 144), 0.14, 0.06),
            "lawn": (LAWNS[building.seed % len(LAWNS)], 0.26, 0.07),
            "path": ((184, 174, 154), 0.1, 0.06),
            "road": ((92, 92, 96), 0.12, 0.04),
            "yard": ((156, 152, 146), 0.1, 0.035),
            "sand": ((190, 164, 122), 0.12, 0.1),
            "hill": ((104, 126, 108), 0.14, 0.08),
        }
        tone, grain, blotches = tones[name]
        return textures.ground(tone, rng, grain, blotches)

    def _bitmap(self, texture: np.ndarray, metres: tuple[float, float]) -> Bsdf:
        to_uv = self.mi.ScalarTransform3f().scale([1 / metres[0], 1 / metres[1]])
        return {"type": "bitmap", "bitmap": self.mi.Bitmap(texture), "raw": True, "to_uv": to_uv}

    def _glass(self, name: str) -> Bsdf:
        """A mirror over a dark, tinted or curtained ground, so that sky and houses stand in the panes."""
        tinted = name in ("tinted", "spandrel")
        tint = textures.linear(self.tone) if tinted else np.array([0.02, 0.03, 0.04])
        mirror = 0.35 + 0.65 * np.sqrt(tint) if tinted else np.array([0.82, 0.92, 1.0])
        weight = {"pane": 0.42, "curtain": 0.22, "tinted": 0.5, "spandrel": 0.2, "rail glass": 0.3, "car glass": 0.35}
        ground = {
            "rail glass": np.array([0.30, 0.42, 0.45]),
            "curtain": np.array([0.52, 0.50, 0.46]),
            "spandrel": tint * 0.7,
        }.get(name, tint * 0.8)
        return _both_sides(
            {
                "type": "blendbsdf",
                "weight": weight[name],
                "first": {"type": "diffuse", "reflectance": {"type": "rgb", "value": ground.tolist()}},
                "second": {"type": "conductor", "specular_reflectance": {"type": "rgb", "value": mirror.tolist()}},
            }
        )


def _aged(tone: textures.Color, rng: np.random.Generator) -> tuple[float, ...]:
    """A colour as paint and brick have it: a little lighter or darker, and greyer, but nameable."""
    value = np.asarray(tone, float)
    value = value + (value.mean() - value) * rng.uniform(0.0, 0.16)
    return tuple(np.clip(value * np.exp(rng.normal(0, 0.05)), 0, 255))


def _both_sides(bsdf: Bsdf) -> Bsdf:
    return {"type": "twosided", "bsdf": bsdf}
