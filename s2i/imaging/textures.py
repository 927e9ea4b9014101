"""Tileable wall, roof and ground textures, tinted by a colour."""

from collections.abc import Sequence

import cv2
import numpy as np

Color = tuple[int, int, int]  # sRGB, each from 0 to 255
Tile = tuple[np.ndarray, tuple[float, float]]  # (H, W, 3) float32 linear RGB, and the metres that it covers, x and y

TRIMS = {"white": (240, 238, 232), "cream": (222, 206, 172), "charcoal": (58, 60, 66)}
ROOFS = {"slate": (84, 92, 108), "tile": (164, 84, 58), "umber": (98, 76, 62), "lead": (132, 152, 150)}
DOORS = {"oak": (126, 82, 48), "teal": (32, 104, 108), "wine": (116, 30, 44), "charcoal": (60, 60, 66)}


def linear(srgb: Sequence[float] | np.ndarray) -> np.ndarray:
    """sRGB in [0, 255] as linear RGB in [0, 1], float32 of the same shape."""
    value = np.asarray(srgb, np.float32) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def wall(material: str, tone: Color, unit: float, rng: np.random.Generator) -> Tile:
    """A wall of brick, stone, wood, steel, or else concrete, in a colour.

    unit: the least height of a course, in metres, that the image can show.
    """
    if material == "brick":
        return bricks(tone, 3.8 * unit, 1.45 * unit, rng, contrast=0.13, mortar=0.55)
    if material == "stone":
        return bricks(tone, 5.4 * unit, 2.7 * unit, rng, contrast=0.15, mortar=0.45)
    if material == "wood":
        return boards(tone, 1.6 * unit, rng)
    if material == "steel":
        return panels(tone, 4.0 * unit, 4.0 * unit, rng, gloss=0.10)
    return panels(tone, 8.0 * unit, 5.0 * unit, rng, gloss=0.03)


def bricks(tone: Color, length: float, height: float, rng: np.random.Generator, contrast: float, mortar: float) -> Tile:
    """Courses in running bond: each brick its own shade, paler or darker joints between them.

    length, height: of a brick, in metres.  contrast: how far bricks differ.  mortar: how far the joints stand out.
    """
    rows, columns, cell, high = 8, 4, 32, 16  # bricks in a tile, and the pixels of one
    shade = np.zeros((rows * high, columns * cell), np.float32)
    joint = np.zeros_like(shade)
    for row in range(rows):
        for column in range(columns):
            start = column * cell + (cell // 2) * (row % 2)
            across = np.arange(start, start + cell) % shade.shape[1]
            shade[row * high : (row + 1) * high, across] = rng.normal(0, contrast)
            joint[row * high : (row + 1) * high, across[:3]] = 1
        joint[row * high : row * high + 3] = 1
    goal = 150 if np.mean(tone) < 120 else 90
    base = linear(tone) * np.exp(shade)[..., None]
    texture = base + (linear([goal] * 3) - base) * (mortar * joint)[..., None]
    return _grain(texture, rng, 0.03), (length * columns, height * rows)


def boards(tone: Color, height: float, rng: np.random.Generator) -> Tile:
    """Lapped boards, each of a height in metres: a shadow under each edge, a slow grain on it."""
    rows, high = 8, 16  # boards in a tile, and the pixels of one
    line = np.ones(high, np.float32)
    line[0:3], line[3:5] = 0.5, 0.8
    shade = np.tile(line, rows)[:, None] * np.exp(np.repeat(rng.normal(0, 0.04, rows), high))[:, None]
    grain = cv2.GaussianBlur(rng.normal(0, 1, (rows * high, 64)).astype(np.float32), (0, 0), 8)
    texture = linear(tone) * (shade * (1 + 0.12 * grain))[..., None]
    return texture, (6.0, height * rows)


def panels(tone: Color, width: float, height: float, rng: np.random.Generator, gloss: float) -> Tile:
    """Large panels with dark joints; width and height of one in metres, gloss: how far they differ."""
    cells, size = 4, 32
    shade = np.kron(rng.normal(0, gloss * 0.7, (cells, cells)), np.ones((size, size))).astype(np.float32)
    for start in range(0, cells * size, size):
        shade[start : start + 2] -= 0.6
        shade[:, start : start + 2] -= 0.6
    return _grain(linear(tone) * np.exp(shade)[..., None], rng, 0.015), (width * cells, height * cells)


def tiles(tone: Color, unit: float, rng: np.random.Generator) -> Tile:
    """Roof tiles in courses; unit: as of `wall`."""
    return bricks(tone, 2.0 * unit, 1.3 * unit, rng, contrast=0.10, mortar=-0.18)


def mottled(
    tone: Color,
    rng: np.random.Generator,
    spread: float = 0.18,
    size: int = 96,
    blur: float = 4.0,
    metres: float = 9.0,
) -> Tile:
    """Grass, leaves, gravel: soft blotches.

    spread: how far they differ.  size: pixels of the square tile.  blur: of the blotches, in pixels.  metres: its side.
    """
    noise = _cloudy(rng, size, blur)
    tint = np.stack([1 + spread * noise, 1 + 0.9 * spread * noise, 1 + 0.6 * spread * noise], -1)
    return (linear(tone) * np.clip(tint, 0.3, 2)).astype(np.float32), (metres, metres)


def _cloudy(rng: np.random.Generator, size: int, blur: float) -> np.ndarray:
    """Tileable smooth noise of unit variance, (size, size) float32."""
    noise = rng.normal(0, 1, (size, size)).astype(np.float32)
    tiled = cv2.GaussianBlur(np.tile(noise, (3, 3)), (0, 0), blur)[size : 2 * size, size : 2 * size]
    return tiled / tiled.std()


def _grain(texture: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    """The texture with fine noise in its lightness."""
    noise = rng.normal(0, amount, texture.shape[:2]).astype(np.float32)
    return (texture * np.exp(cv2.blur(noise, (3, 3)))[..., None]).astype(np.float32)
