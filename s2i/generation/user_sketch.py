"""Anybody's sketch made into what training saw: dark strokes on white paper, a square of the model's resolution."""

from pathlib import Path

import cv2
import numpy as np

from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.dataset.matting import mattes, u2net
from s2i.imaging import decoding, io, shapes

CLEAN = 245  # lightness from which paper counts as white
DARK = 120  # of 255: how dark strokes are brought to be at least
DARKER = 40  # a table is darker than the sheet that lies on it by this much
WORKING_SIDE = 1024  # pixels; a photo of paper is looked at no larger


def read(path: Path, params: Params, max_megapixels: float, resolution: int | None = None) -> np.ndarray:
    """The sketch in an image file as the model of the parameters is to see it, dark strokes on white, (H, W) uint8.

    It may be of any size and kind: a photo of paper, strokes on nothing (transparent), white on black.  A model with
    the condition "drawing" gets it in its own tones and colours, (H, W, 3) uint8.  Where training cut backgrounds off,
    that of the sketch is cut off too.
    resolution: of the longest side, that of the parameters unless given.
    Raises UserError, with what is wrong, for a file that is no image, is too large, or shows no strokes.
    """
    try:
        content = decoding.read_content(path, max_megapixels)
        image = io.decode_photo(path, content, max_megapixels)
        if io.is_blank(image):  # perhaps white strokes on nothing, which were laid on white
            image = io.decode_photo(path, content, max_megapixels, background="black")
    except io.Unreadable as error:
        raise UserError(f"{path.name} cannot be read: {error.sentence}; give a whole image file.") from None
    if io.is_blank(image):
        raise UserError(f"{path.name} shows no strokes: draw something first.")
    sketch = straighten(image, resolution or params.resolution, as_drawn="drawing" in params.conditions)
    if params.matte.background != "keep":
        rgb = sketch if sketch.ndim == 3 else cv2.cvtColor(sketch, cv2.COLOR_GRAY2RGB)
        sketch = mattes.on_white(sketch, u2net.predict_matte(rgb, params.matte.model))
    return sketch


def straighten(image: np.ndarray, resolution: int, as_drawn: bool = False) -> np.ndarray:
    """An image of a sketch (H, W, 3) uint8 as dark strokes on white, (h, w) uint8, its longest side the resolution.

    A sheet photographed on a table is cut out and laid flat, light strokes on dark turn dark, shadows and the paper's
    tint go.  A clean drawing is only resized.
    as_drawn: tones, tint and colours stay as they are, (h, w, 3) uint8.
    """
    sheet = _flat_sheet(_shrunk(image, max(WORKING_SIDE, 2 * resolution)))
    sketch = sheet if as_drawn else io.grey(sheet)
    if np.median(sketch) < 128:
        sketch = 255 - sketch
    if as_drawn:
        return shapes.fit(_not_too_long(sketch), resolution)
    if np.percentile(sketch, 60) < CLEAN:
        sketch = _without_shadows(sketch)
    return _dark_enough(shapes.fit(_not_too_long(sketch), resolution))


def _shrunk(image: np.ndarray, side: int) -> np.ndarray:
    share = side / max(image.shape[:2])
    size = [max(1, round(length * share)) for length in image.shape[1::-1]]
    return image if share >= 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _flat_sheet(image: np.ndarray) -> np.ndarray:
    """The sheet of paper alone, if the image shows one on something darker; the whole image if not."""
    grey = cv2.GaussianBlur(io.grey(image), (0, 0), max(image.shape) / 200)
    _, bright = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
    outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not outlines:
        return image
    outline = cv2.convexHull(max(outlines, key=cv2.contourArea))
    corners = cv2.approxPolyDP(outline, 0.03 * cv2.arcLength(outline, True), True).reshape(-1, 2).astype(np.float32)
    share = cv2.contourArea(outline) / grey.size
    inside = cv2.fillConvexPoly(np.zeros_like(grey), outline, 255) > 0
    if len(corners) != 4 or not 0.2 < share < 0.97 or inside.all():
        return image
    if np.median(grey[inside]) - np.percentile(grey[~inside], 75) < DARKER:
        return image  # paper around a drawn frame
    return _warped(image, corners)


def _warped(image: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The quadrilateral with these corners (4, 2), seen from straight above, a little of its edge cut off."""
    first = corners.sum(axis=1).argmin()  # the upper left one
    corners = np.roll(corners, -first, axis=0)
    if np.cross(np.append(corners[1] - corners[0], 0), np.append(corners[3] - corners[0], 0))[2] < 0:
        corners = corners[[0, 3, 2, 1]]
    width = int(np.linalg.norm(corners[0] - corners[1]) + np.linalg.norm(corners[2] - corners[3])) // 2
    height = int(np.linalg.norm(corners[0] - corners[3]) + np.linalg.norm(corners[1] - corners[2])) // 2
    edge = 0.02 * np.array([width, height], np.float32)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    flat = flat * (1 + 2 * edge / (width, height)) - edge
    return cv2.warpPerspective(image, cv2.getPerspectiveTransform(corners, flat.astype(np.float32)), (width, height))


def _without_shadows(sketch: np.ndarray) -> np.ndarray:
    """(H, W) uint8 divided by its paper, so that the paper is white however it is lit."""
    side = max(3, max(sketch.shape) // 24 | 1)
    paper = cv2.morphologyEx(sketch, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    paper = cv2.GaussianBlur(paper, (0, 0), side / 2).astype(np.float32)
    share = sketch / np.maximum(paper, 1)
    grain = 0.06  # of paper and camera, which is no stroke
    return (255 * np.clip(share / (1 - grain), 0, 1)).round().astype(np.uint8)


def _not_too_long(sketch: np.ndarray) -> np.ndarray:
    """A sketch with white margins where it is so long that `shapes.fit` would cut its ends off."""
    height, width = sketch.shape[:2]
    least = -(-max(height, width) // shapes.LONGEST)
    top, left = max(0, least - height) // 2, max(0, least - width) // 2
    edges = top, max(0, least - height) - top, left, max(0, least - width) - left
    return cv2.copyMakeBorder(sketch, *edges, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _dark_enough(sketch: np.ndarray) -> np.ndarray:
    """Thin or faint strokes, which shrinking makes pale, darkened until the darkest are as dark as in training."""
    ink = 255 - sketch.astype(np.float32)
    darkest = np.percentile(ink[ink > 4], 95) if (ink > 4).any() else 255
    if darkest >= DARK:
        return sketch
    return (255 - np.clip(ink * (DARK / darkest), 0, 255)).round().astype(np.uint8)
