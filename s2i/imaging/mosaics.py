"""Images side by side, to be looked at."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from s2i.imaging import shapes

GAP = 4  # pixels between images


def mosaic(columns: Mapping[str, Sequence[np.ndarray]]) -> np.ndarray:
    """One titled column a name, one row an example, as (H, W, 3) uint8.

    columns: {title: images (H, W, 3) or (H, W) uint8}, their longest sides of one length; what is not square stands in
    the middle of a square.
    """
    columns = {name: [shapes.on_square(image) for image in images] for name, images in columns.items()}
    height, width = next(iter(columns.values()))[0].shape[:2]
    title = _title_height(height)
    rows = max(len(images) for images in columns.values())
    size = (len(columns) * (width + GAP) - GAP, title + GAP + rows * (height + GAP))
    canvas = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(title * 0.75)
    for column, (name, images) in enumerate(columns.items()):
        left = column * (width + GAP)
        draw.text((left + width / 2, title / 2), name, fill="black", font=font, anchor="mm")
        for row, image in enumerate(images):
            canvas.paste(Image.fromarray(image), (left, title + GAP + row * (height + GAP)))
    return np.asarray(canvas)


def evenly_spaced(count: int, rows: int) -> list[int]:
    """At most ``rows`` indices, from the first of ``count`` to the last."""
    return np.unique(np.linspace(0, count - 1, rows).round().astype(int)).tolist()


def grid(images: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Images (H, W, 3) uint8 of one size, row by row from the upper left, so many in a row, as (H, W, 3) uint8."""
    height, width = images[0].shape[:2]
    rows = -(-len(images) // columns)
    canvas = Image.new("RGB", (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP), "white")
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        canvas.paste(Image.fromarray(image), (column * (width + GAP), row * (height + GAP)))
    return np.asarray(canvas)


def cells(image: Image.Image, columns: int) -> list[list[np.ndarray]]:
    """The square images (S, S, 3) uint8 that a mosaic was made of, a list a row; columns: how many are in a row."""
    side = (image.width + GAP) // columns - GAP
    whole = np.asarray(image.convert("RGB"))
    tops = range(_title_height(side) + GAP, whole.shape[0] - side + 1, side + GAP)
    return [
        [whole[top : top + side, left : left + side] for left in range(0, whole.shape[1], side + GAP)] for top in tops
    ]


def _title_height(image_height: int) -> int:
    """The height of the titles above images of a height, both in pixels."""
    return max(14, image_height // 9)
