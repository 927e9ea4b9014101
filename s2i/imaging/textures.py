"""Tileable wall, roof and ground textures, tinted by a colour: (H, W, 3) linear RGB and the metres one tile covers."""

from collections.abc import Sequence

import cv2
import numpy as np

Color = Sequence[float]  # sRGB, 0..255
Tile = tuple[np.ndarray, tuple[float, float]]  # (H, W, 3) float32 linear RGB; width and height in metres

TRIMS = {"white": (240, 238, 232), "cream": (222, 206, 172), "charcoal": (58, 60, 66)}
ROOFS = {"slate": (84, 92, 108), "tile": (164, 84, 58), "umber": (98, 76, 62), "lead": (132, 152, 150)}
DOORS = {"oak": (126, 82, 48), "teal": (32, 104, 108), "wine": (116, 30, 44), "charcoal": (60, 60, 66)}


def linear(srgb: Color) -> np.ndarray:
    """sRGB 0..255 to linear 0..1."""
    value = np.asarray(srgb, np.float32) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def wall(material: str, tone: Color, unit: float, rng: np.random.Generator, times: int = 1) -> Tile:
    """A wall's own texture in a colour.

    unit: the least height of a course in metres that the image can show.  times: how many times as large the tile
    is in both directions, so that it repeats less often.
    """
    if material == "brick":
        return bricks(tone, (3.8 * unit, 1.45 * unit), rng, contrast=0.13, mortar=0.55, times=times)
    if material == "stone":
        return bricks(tone, (5.4 * unit, 2.7 * unit), rng, contrast=0.15, mortar=0.45, times=times)
    if material == "wood":
        return boards(tone, 1.6 * unit, rng, rows=8 * times)
    if material == "steel":
        return panels(tone, (4.0 * unit, 4.0 * unit), rng, gloss=0.10)
    return panels(tone, (8.0 * unit, 5.0 * unit), rng, gloss=0.03)


def bricks(
    tone: Color, size: tuple[float, float], rng: np.random.Generator, contrast: float, mortar: float, times: int = 1
) -> Tile:
    """Courses in running bond: each brick its own shade, paler or darker joints between them.

    size: length and height of a brick in metres.  mortar: from the brick's own tone, 0, to that of the joints, 1.
    """
    rows, columns, cell, high = 8 * times, 4 * times, 32, 16
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
    return _grain(texture, rng, 0.03), (size[0] * columns, size[1] * rows)


def boards(tone: Color, height: float, rng: np.random.Generator, rows: int = 8) -> Tile:
    """Lapped boards: a shadow under each edge, a slow grain along it."""
    high = 16
    line = np.ones(high, np.float32)
    line[0:3], line[3:5] = 0.5, 0.8
    shade = np.tile(line, rows)[:, None] * np.exp(np.repeat(rng.normal(0, 0.04, rows), high))[:, None]
    grain = cv2.GaussianBlur(rng.normal(0, 1, (rows * high, 64)).astype(np.float32), (0, 0), sigmaX=8, sigmaY=1.0)
    texture = linear(tone) * (shade * (1 + 0.12 * grain))[..., None]
    return texture, (6.0, height * rows)


def panels(tone: Color, size: tuple[float, float], rng: np.random.Generator, gloss: float) -> Tile:
    """Large panels with dark joints; size: of one panel, in metres."""
    cells, pixels = 4, 32
    shade = np.kron(rng.normal(0, gloss * 0.7, (cells, cells)), np.ones((pixels, pixels))).astype(np.float32)
    for k in range(cells):
        shade[k * pixels : k * pixels + 2] -= 0.6
        shade[:, k * pixels : k * pixels + 2] -= 0.6
    return _grain(linear(tone) * np.exp(shade)[..., None], rng, 0.015), (size[0] * cells, size[1] * cells)


def tiles(tone: Color, unit: float, rng: np.random.Generator) -> Tile:
    """Roof tiles: each course casts a shadow on the one below, joints are staggered."""
    rows, columns, cell, high = 16, 24, 16, 16
    line = np.linspace(0.94, 1.06, high, dtype=np.float32)
    line[:3] = 0.55
    shade = np.tile(line, rows)[:, None] * np.ones((1, columns * cell), np.float32)
    for row in range(rows):
        for column in range(columns):
            across = np.arange(column * cell, (column + 1) * cell) + cell // 2 * (row % 2)
            shade[row * high : (row + 1) * high, across % shade.shape[1]] *= np.exp(rng.normal(0, 0.09))
            shade[row * high : (row + 1) * high, across[0] % shade.shape[1]] *= 0.8
    texture = linear(tone) * shade[..., None]
    return _grain(texture, rng, 0.03), (1.9 * unit * columns, 1.9 * unit * rows)


def corrugated(tone: Color, wave: float, rng: np.random.Generator) -> Tile:
    """Upright waves of sheet metal `wave` metres wide, with seams between the sheets."""
    waves, pixels = 32, 16
    phase = np.linspace(0, 2 * np.pi * waves, waves * pixels, endpoint=False)
    profile = np.clip(1.02 + 0.26 * np.sin(phase) + 0.10 * np.sin(2 * phase + 0.6), 0.5, 1.3).astype(np.float32)
    sheet = np.repeat(np.exp(rng.normal(0, 0.035, 4)), waves * pixels // 4)
    shade = np.tile((profile * sheet).astype(np.float32), (256, 1))
    shade[:4] *= 0.72
    streaks = cv2.GaussianBlur(rng.normal(0, 1, shade.shape).astype(np.float32), (0, 0), sigmaX=2, sigmaY=40)
    shade *= 1 + 0.05 * streaks / streaks.std()
    return (linear(tone) * shade[..., None]).astype(np.float32), (wave * waves, wave * waves / 2)


def windowed(tone: Color, rng: np.random.Generator) -> Tile:
    """A distant wall with rows of windows, one every three metres."""
    cells, size = 6, 32
    texture = np.tile(linear(tone), (cells * size, cells * size, 1)).astype(np.float32)
    for row in range(cells):
        for column in range(cells):
            y, x = row * size, column * size
            texture[y + 11 : y + 26, x + 8 : x + 22] = linear((238, 236, 230)) * 0.8
            texture[y + 12 : y + 25, x + 9 : x + 21] = linear((70, 84, 98)) * rng.uniform(0.5, 1.3)
    return _grain(texture, rng, 0.03), (3.0 * cells, 3.0 * cells)


def ground(tone: Color, rng: np.random.Generator, grain: float, blotches: float) -> Tile:
    """Grass, asphalt, sand: a fine grain over soft blotches, both as shares of the tone's lightness."""
    size = 512
    fine = cv2.GaussianBlur(rng.normal(0, 1, (size, size)).astype(np.float32), (0, 0), 0.9)
    small = cv2.resize(_cloudy(rng, 128, 3.0), (size, size), interpolation=cv2.INTER_CUBIC)
    large = cv2.resize(_cloudy(rng, 64, 6.0), (size, size), interpolation=cv2.INTER_CUBIC)
    shade = grain * fine / fine.std() + blotches * (0.6 * small + 0.8 * large)
    warm = blotches * 0.4 * large[..., None] * np.array([1.0, 0.0, -0.6], np.float32)
    return (linear(tone) * np.clip(1 + shade[..., None] + warm, 0.2, 2)).astype(np.float32), (16.0, 16.0)


def mottled(tone: Color, rng: np.random.Generator, spread: float = 0.18, metres: float = 9.0) -> Tile:
    """Grass, leaves, gravel: soft blotches."""
    noise = _cloudy(rng, size=96, blur=4.0)
    tint = np.stack([1 + spread * noise, 1 + 0.9 * spread * noise, 1 + 0.6 * spread * noise], -1)
    return (linear(tone) * np.clip(tint, 0.3, 2)).astype(np.float32), (metres, metres)


def _cloudy(rng: np.random.Generator, size: int, blur: float) -> np.ndarray:
    noise = rng.normal(0, 1, (size, size)).astype(np.float32)
    tiled = cv2.GaussianBlur(np.tile(noise, (3, 3)), (0, 0), blur)[size : 2 * size, size : 2 * size]
    return tiled / tiled.std()


def _grain(texture: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    noise = rng.normal(0, amount, texture.shape[:2]).astype(np.float32)
    return (texture * np.exp(cv2.blur(noise, (3, 3)))[..., None]).astype(np.float32)
