"""What each named surface is made of, as mitsuba dictionaries."""

import numpy as np

from s2i.imaging import textures
from s2i.vocabulary.buildings import COLORS


class Materials:
    """The building's materials by name, as mitsuba dictionaries."""

    def __init__(self, mi, building, unit):
        self.mi, self.building, self.unit = mi, building, unit
        self.rng = np.random.default_rng([building.seed, 17])

    def __call__(self, name):
        b, rng = self.building, self.rng
        if name in ("pane", "tinted", "rail glass"):
            return self._glass(name)
        plain = {
            "white": textures.TRIMS["white"],
            "charcoal": textures.TRIMS["charcoal"],
            "trim": textures.TRIMS[b.trim],
            "column": textures.TRIMS["white" if b.trim == "charcoal" else b.trim],
            "slab": (206, 204, 198) if b.color != "white" else (150, 148, 144),
            "shutter": textures.DOORS[b.door_color],
            "door": textures.DOORS[b.door_color],
            "kerb": (160, 156, 148),
            "steel": (186, 190, 196),
            "trunk": (92, 70, 52),
            "neighbour": (196, 186, 170),
        }
        if name in plain:
            reflectance = {"type": "rgb", "value": textures.linear(plain[name]).tolist()}
        else:
            reflectance = self._bitmap(*self._texture(name, rng))
        diffuse = {"type": "diffuse", "reflectance": reflectance}
        if name == "wall" and b.material == "steel":
            sheen = {"type": "roughconductor", "alpha": 0.25, "specular_reflectance": {"type": "rgb", "value": 0.55}}
            return _both_sides({"type": "blendbsdf", "weight": 0.15, "first": diffuse, "second": sheen})
        return _both_sides(diffuse)

    def _texture(self, name, rng):
        b, unit = self.building, self.unit
        if name == "wall":
            return textures.wall(b.material, COLORS[b.color], unit, rng)
        if name == "roof":
            return textures.tiles(textures.ROOFS[b.roof_color], unit, rng)
        if name in ("chimney", "rubble"):
            tone = (150, 84, 66) if name == "chimney" else (146, 138, 126)
            return textures.bricks(tone, 2.6 * unit, unit, rng, 0.08, 0.2)
        if name == "paving":
            return textures.panels((178, 172, 162), 2.0, 2.0, rng, 0.05)
        tones = {
            "gravel": (150, 148, 144),
            "lawn": (112, 142, 66),
            "path": (190, 180, 160),
            "road": (104, 104, 108),
            "leaf": (92, 132, 56),
            "leaf dark": (62, 100, 54),
            "hill": (112, 136, 118),
        }
        metres, spread = (2.5, 0.22) if name.startswith("leaf") else (14.0, 0.06)
        return textures.mottled(tones[name], rng, spread=spread, metres=metres)

    def _bitmap(self, texture, metres):
        to_uv = self.mi.ScalarTransform3f().scale([1 / metres[0], 1 / metres[1]])
        return {"type": "bitmap", "bitmap": self.mi.Bitmap(texture), "raw": True, "to_uv": to_uv}

    def _glass(self, name):
        """A mirror over a dark or tinted ground, so that sky and clouds stand in the panes."""
        tint = textures.linear(COLORS[self.building.color]) if name == "tinted" else np.array([0.02, 0.03, 0.04])
        mirror = 0.35 + 0.65 * np.sqrt(tint) if name == "tinted" else np.array([0.82, 0.92, 1.0])
        weight = {"pane": 0.42, "tinted": 0.5, "rail glass": 0.3}[name]
        ground = np.array([0.30, 0.42, 0.45]) if name == "rail glass" else tint * 0.8
        return _both_sides(
            {
                "type": "blendbsdf",
                "weight": weight,
                "first": {"type": "diffuse", "reflectance": {"type": "rgb", "value": ground.tolist()}},
                "second": {"type": "conductor", "specular_reflectance": {"type": "rgb", "value": mirror.tolist()}},
            }
        )


def _both_sides(bsdf):
    return {"type": "twosided", "bsdf": bsdf}
