"""Material maps: what a building is made of, in which colour, painted where it stands."""

from collections.abc import Callable

import cv2
import numpy as np
from PIL import ImageColor

from s2i.imaging import textures
from s2i.vocabulary.buildings import COLORS

METRES = 12.0  # what an image shows from its upper to its lower edge
COURSE = 0.55  # height in metres of the lowest course of bricks, so that 128 pixels can show it
INK = 24  # a stroke is darker than the paper around it by this much, of 255
PLAIN = (150, 150, 150)  # of a colour that nobody named


def material_map(mask: np.ndarray, color: str | None, material: str | None, seed: int = 0) -> np.ndarray:
    """A texture of the material in the colour inside the mask, black outside; (H, W, 3) uint8.

    mask: (H, W) uint8, 255 where the building is.  color: a name of the corpus, or of CSS; others, and None, are grey.
    material: concrete, steel, brick, stone, glass or wood; others, and None, are a plain colour.  With neither the map
    is black: nothing is said.
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
    ink = ((paper.astype(np.float32) - sketch) > INK).astype(np.uint8)
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
    """(H, W, 3) float32, sRGB in [0, 255]."""
    tone = _tone(color)
    if material not in TEXTURES:
        return np.full((*shape, 3), tone, np.float32)
    tile, (width, height) = TEXTURES[material](tone, rng)
    pixels = shape[0] / METRES
    size = max(1, round(width * pixels)), max(1, round(height * pixels))
    tile = cv2.resize(_srgb(tile), size, interpolation=cv2.INTER_AREA)
    times = -(-shape[0] // tile.shape[0]), -(-shape[1] // tile.shape[1])
    return np.tile(tile, (*times, 1))[: shape[0], : shape[1]]


def _tone(color: str | None) -> tuple[int, int, int]:
    if color in COLORS:
        return COLORS[color]
    try:
        return ImageColor.getrgb(color or "")[:3]
    except ValueError:
        return PLAIN


def _srgb(linear: np.ndarray) -> np.ndarray:
    """Linear RGB of at least 0 to sRGB in [0, 255]."""
    value = linear.clip(0, 1)
    return (255 * np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)).astype(np.float32)


def _panes(tone: tuple[int, int, int], rng: np.random.Generator) -> tuple[np.ndarray, tuple[float, float]]:
    """Panes between mullions, sky in them: paler above, each a little tilted."""
    cells, size = 4, 32
    fall = np.tile(np.linspace(0.9, 0.35, size, dtype=np.float32), cells)[:, None]
    tilt = np.kron(rng.uniform(-0.12, 0.12, (cells, cells)), np.ones((size, size))).astype(np.float32)
    sky = textures.linear((188, 214, 236)) * (fall + tilt)[..., None]
    texture = (0.5 + 0.7 * (fall + tilt)[..., None]) * textures.linear(tone) + 0.08 * sky
    edge = np.arange(cells * size) % size < 3
    texture[edge] = texture[:, edge] = textures.linear(tone) * 0.3
    return texture.astype(np.float32), (1.2 * cells, 1.8 * cells)


# Each takes a colour, sRGB, and a generator, and returns a tileable texture in linear RGB and the metres it covers.
TEXTURES: dict[str, Callable[[tuple[int, int, int], np.random.Generator], tuple[np.ndarray, tuple[float, float]]]] = {
    material: lambda tone, rng, material=material: textures.wall(material, tone, COURSE, rng)
    for material in ("concrete", "steel", "brick", "stone", "wood")
} | {"glass": _panes}
