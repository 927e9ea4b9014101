"""Material maps: what a building is made of, in which colour, painted where it stands."""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from PIL import ImageColor

from s2i.imaging import textures
from s2i.imaging.textures import Color, Tile
from s2i.vocabulary.buildings import COLORS

METRES = 12.0  # what an image shows from its upper to its lower edge
COURSE = 0.55  # height in metres of the lowest course of bricks, so that 128 pixels can show it
INK_CONTRAST = 24  # a stroke is darker than the paper around it by this much, of 255
UNNAMED = (150, 150, 150)  # the colour, sRGB, of what has none or one that nobody knows


def material_map(mask: np.ndarray, color: str | None, material: str | None, seed: int = 0) -> np.ndarray:
    """A texture of the material in the colour inside the mask, black outside; (H, W, 3) uint8.

    mask: (H, W) uint8, 255 where the building is.  color: a name of the corpus, or of CSS; others, and None, are grey.
    material: concrete, steel, brick, stone, glass or wood; others, and None, are a plain colour.  With neither, the map
    is black.
    """
    if not color and not material:
        return np.zeros((*mask.shape, 3), np.uint8)
    texture = _texture(color, material, mask.shape, np.random.default_rng(seed))
    return (texture * (mask[..., None].astype(np.float32) / 255)).round().astype(np.uint8)


def silhouette(sketch: np.ndarray) -> np.ndarray:
    """Where the building of a sketch stands, as far as its strokes tell; (H, W) uint8, 255 or 0.

    sketch: (H, W) uint8, dark strokes on light paper.  Strokes are joined over small gaps; what they enclose is filled,
    what is thin, such as a horizon, is cut off, and the largest piece is taken.
    """
    height = len(sketch)
    paper = cv2.GaussianBlur(sketch, (0, 0), height / 12)
    ink = ((paper.astype(np.float32) - sketch) > INK_CONTRAST).astype(np.uint8)
    joined = cv2.dilate(ink, _disc(height / 20))
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = cv2.drawContours(np.zeros_like(sketch), outlines, -1, 255, cv2.FILLED)
    pieces = cv2.morphologyEx(cv2.erode(filled, _disc(height / 20)), cv2.MORPH_OPEN, _disc(height / 9))
    count, numbers, sizes, _ = cv2.connectedComponentsWithStats(pieces)
    if count == 1:
        return pieces
    return np.where(numbers == 1 + sizes[1:, cv2.CC_STAT_AREA].argmax(), 255, 0).astype(np.uint8)


def _disc(width: float) -> np.ndarray:
    side = max(3, round(width) | 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _texture(color: str | None, material: str | None, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """A texture that fills the shape (H, W): (H, W, 3) float32, sRGB in [0, 255]."""
    tone = _tone(color)
    if material not in TEXTURES:
        return np.full((*shape, 3), tone, np.float32)
    tile, (width, height) = TEXTURES[material](tone, rng)
    pixels = shape[0] / METRES
    size = max(1, round(width * pixels)), max(1, round(height * pixels))
    tile = cv2.resize(_srgb(tile), size, interpolation=cv2.INTER_AREA)
    repeats = -(-shape[0] // tile.shape[0]), -(-shape[1] // tile.shape[1])
    return np.tile(tile, (*repeats, 1))[: shape[0], : shape[1]]


def _tone(color: str | None) -> Color:
    """The sRGB of a colour's name."""
    if color in COLORS:
        return COLORS[color]
    try:
        return ImageColor.getrgb(color or "")[:3]
    except ValueError:
        return UNNAMED


def _srgb(linear: np.ndarray) -> np.ndarray:
    """Linear RGB of at least 0 to sRGB in [0, 255]."""
    value = linear.clip(0, 1)
    return (255 * np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)).astype(np.float32)


def _wall(material: str, tone: Color, rng: np.random.Generator) -> Tile:
    return textures.wall(material, tone, COURSE, rng)


def _panes(tone: Color, rng: np.random.Generator) -> Tile:
    """Panes of glass between mullions, sky in them: paler above, each a little tilted."""
    cells, size = 4, 32
    fall = np.tile(np.linspace(0.9, 0.35, size, dtype=np.float32), cells)[:, None]
    tilt = np.kron(rng.uniform(-0.12, 0.12, (cells, cells)), np.ones((size, size))).astype(np.float32)
    sky = textures.linear((188, 214, 236)) * (fall + tilt)[..., None]
    texture = (0.5 + 0.7 * (fall + tilt)[..., None]) * textures.linear(tone) + 0.08 * sky
    edge = np.arange(cells * size) % size < 3
    texture[edge] = texture[:, edge] = textures.linear(tone) * 0.3
    return texture.astype(np.float32), (1.2 * cells, 1.8 * cells)


TEXTURES: dict[str, Callable[[Color, np.random.Generator], Tile]] = {
    material: partial(_wall, material) for material in ("concrete", "steel", "brick", "stone", "wood")
} | {"glass": _panes}
