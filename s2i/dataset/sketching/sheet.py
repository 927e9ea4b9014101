"""A sheet of paper that is drawn on with strokes of any width and pressure."""

from collections.abc import Sequence

import cv2
import numpy as np

from s2i.dataset.sketching.hand import Stroke

SIDE = 768  # pixels of the side of a square sheet at least: strokes are drawn large, then shrunk
SHIFT = 4  # bits of a coordinate's fraction


class Sheet:
    """Ink on a sheet of the size of an image; widths are pixels of an image of 256, and grow as the root of its side.

    So a line of width 1 is one pixel wide at 256 px and two at 1024, as people draw finer on larger sheets.
    """

    def __init__(self, shape: tuple[int, int]):
        self.shape = shape[:2]
        side = float(np.sqrt(self.shape[0] * self.shape[1]))
        scale = max(SIDE / side, 1.0)
        self.size = tuple(max(round(length * scale), 1) for length in self.shape)
        self.unit = (side / 256) ** 0.5  # of widths, in pixels of the image
        self.unit_share = self.unit * 256 / side  # the same, as a share of a 256th of the side
        self.pixels = self.unit * scale  # the same, in pixels of the sheet
        self.ink = np.zeros(self.size, np.float32)

    def draw(self, strokes: Sequence[Stroke], width: float, dark: float, swell: float = 0.0, layers: int = 2) -> None:
        """Strokes of a width and darkness in [0, 1]; where they cross in different layers they add up.

        swell: how much of the width goes where the pressure is light.
        """
        order = sorted(range(len(strokes)), key=lambda k: strokes[k].pressure.mean())
        for layer in range(layers):
            drawn = np.zeros(self.size, np.uint8)
            for k in order:
                if k % layers == layer:
                    self._draw(drawn, strokes[k], width, dark, swell)
            self.lay(drawn.astype(np.float32) / 255)

    def lay(self, ink: np.ndarray) -> None:
        """More ink (h, w) in [0, 1] of the sheet's size, over what is there."""
        self.ink = 1 - (1 - self.ink) * (1 - ink)

    def _draw(self, drawn: np.ndarray, stroke: Stroke, width: float, dark: float, swell: float) -> None:
        corners = np.rint(stroke.points * self.size[::-1] * (1 << SHIFT)).astype(np.int32)
        pressure = (stroke.pressure[1:] + stroke.pressure[:-1]) / 2
        pixels = width * self.pixels
        widths = np.maximum(np.rint(pixels * (1 - swell + swell * pressure)), 1).astype(int).tolist()
        tones = np.rint(255 * dark * pressure ** (1 - swell)).astype(int).tolist()
        points = corners.tolist()
        for start, end, wide, tone in zip(points[:-1], points[1:], widths, tones, strict=True):
            if tone > 4:
                cv2.line(drawn, start, end, tone, wide, cv2.LINE_AA, SHIFT)

    def shrunk(self, raster: np.ndarray | None = None) -> np.ndarray:
        """The ink, or another raster of the sheet's size, in the size of the image."""
        raster = self.ink if raster is None else raster
        return cv2.resize(raster, self.shape[::-1], interpolation=cv2.INTER_AREA)

    def grown(self, raster: np.ndarray) -> np.ndarray:
        """A raster of any size in the sheet's, float32."""
        return cv2.resize(raster.astype(np.float32), self.size[::-1], interpolation=cv2.INTER_LINEAR)


def tooth(shape: tuple[int, int], rng: np.random.Generator, sigma: float) -> np.ndarray:
    """The grain of paper: noise of mean 0 and variance 1, smooth over sigma pixels, (h, w) float32."""
    grain = cv2.GaussianBlur(rng.standard_normal(shape, np.float32), (0, 0), max(sigma, 0.3))
    return grain / max(float(grain.std()), 1e-6)


def paper(shape: tuple[int, int], rng: np.random.Generator, tint: tuple[float, float], grain: float) -> np.ndarray:
    """Blank paper (H, W) in [0, 1]: a tint between two, lit unevenly, with grain of that standard deviation."""
    height, width = shape
    down, across = rng.uniform(-0.03, 0.03, 2)
    light = down * np.linspace(-1, 1, height)[:, None] + across * np.linspace(-1, 1, width)
    rough = tooth(shape, rng, 0.6 * (height * width) ** 0.25 / 16)
    return (rng.uniform(*tint) + light + grain * rough).clip(0, 1).astype(np.float32)


def printed(paper: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Ink (H, W) in [0, 1] on paper (H, W) in [0, 1] as an image (H, W) uint8."""
    return np.rint(255 * (paper * (1 - ink)).clip(0, 1)).astype(np.uint8)
