"""What the embedded corpus can show of a building: styles, views, materials, colours, and the parts in label maps."""

STYLES = ("modern", "neoclassical", "gothic", "american", "rural")
VIEWS = ("left", "centre", "right")
MATERIALS = ("concrete", "steel", "brick", "stone", "glass", "wood")
# sRGB, chosen at least 30 CIELAB units apart so that a wall stays nameable in sun and in shade.
COLORS: dict[str, tuple[int, int, int]] = {
    "white": (238, 236, 230),
    "grey": (142, 144, 148),
    "black": (50, 50, 56),
    "red": (172, 44, 40),
    "orange": (226, 122, 44),
    "yellow": (234, 194, 76),
    "green": (72, 138, 86),
    "blue": (62, 106, 182),
    "brown": (112, 72, 46),
    "pink": (232, 146, 164),
}
LABELS = {
    **{"sky": 0, "ground": 1, "wall": 2, "window": 3, "balcony": 4, "door": 5, "roof": 6, "clutter": 7},
    **{"column": 8, "stairs": 9, "railing": 10, "chimney": 11, "fire escape": 12, "frame": 13, "scaffold": 14},
    **{"tree": 15, "vehicle": 16, "person": 17, "street lamp": 18},
}
SITE = ("sky", "ground", "clutter", "tree", "vehicle", "person", "street lamp")  # what is not the building
