"""The name of a building's wall colour, from a photo alone."""

import cv2
import numpy as np
from scipy.cluster.vq import kmeans2

# CIELAB of each name, as walls of that colour look in sun and in shade; where two meet was fitted, with the numbers
# below, on 500 rendered buildings (beige, which they lack, apart).
PALETTE = {
    "white": (101, 0, 3),
    "beige": (80, 2, 20),
    "grey": (56, 0, -2),
    "black": (22, 0, -2),
    "red": (46, 43, 26),
    "orange": (69, 28, 60),
    "yellow": (74, 2, 59),
    "green": (47, -34, 12),
    "blue": (48, 0, -37),
    "brown": (26, 6, 15),
    "pink": (77, 27, -4),
}
# How much a vote for a name counts.  Windows and shaded trim are grey on walls of any colour, trim in the sun is beige,
# doors are red; orange, yellow, blue and pink are hardly ever anything but the wall.
TRUST = {
    "white": 0.9, "beige": 0.4, "grey": 0.5, "black": 1.2, "red": 0.7, "orange": 2.0, "yellow": 2.0, "green": 1.4,
    "blue": 1.9, "brown": 1.0, "pink": 2.0,
}  # fmt: skip

SIZE = 96  # images are looked at this small: texture blends into the colour it makes
CLUSTERS = 16
BORDER = 0.1  # width of the frame that sky and ground fill, share of the image
BORDER_WEIGHT = 1.8  # what fills the frame as much as the middle is surely not the wall
MIDDLE = (0.25, 0.3, 0.5)  # where walls are, from -1 to 1: their height (down is positive), and spreads up and across
CHROMA_WEIGHT = 0.058  # how much more each unit of chroma counts than grey does, up to MAX_CHROMA
MAX_CHROMA = 60


def dominant_color(image: np.ndarray, mask: np.ndarray | None = None) -> str:
    """The name in `PALETTE` of the wall colour that prevails in the middle of an image.

    image: (H, W, 3) uint8.  mask: (H, W) uint8, where to look; without it, colours that fill the image's border
    (sky, ground) count less.
    """
    small = cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).reshape(-1, 3)
    centres, labels = kmeans2(lab, CLUSTERS, minit="++", rng=0)
    if mask is None:
        weights = _middle() - BORDER_WEIGHT * _border()
    else:
        weights = _middle() * cv2.resize(mask, (SIZE, SIZE), interpolation=cv2.INTER_AREA).ravel()
    shares = np.bincount(labels, weights, CLUSTERS).clip(0)
    vividness = np.minimum(np.hypot(centres[:, 1], centres[:, 2]), MAX_CHROMA)
    votes = dict.fromkeys(PALETTE, 0.0)
    for centre, vote in zip(centres, shares * (1 + CHROMA_WEIGHT * vividness), strict=True):
        name = name_of(centre)
        votes[name] += vote * TRUST[name]
    return max(votes, key=votes.__getitem__)


def name_of(lab: np.ndarray) -> str:
    """The name of a CIELAB colour (3,): the nearest one by lightness and by chroma in proportion to lightness.

    The proportion is what stays of a wall's colour in the shade.
    """
    distances = _in_proportion(np.array(list(PALETTE.values()))) - _in_proportion(lab)
    return list(PALETTE)[int(np.argmin((distances**2).sum(-1)))]


def _in_proportion(lab: np.ndarray) -> np.ndarray:
    """CIELAB colours (..., 3) as lightness, and chroma in proportion to it: (..., 3), to be compared by distance."""
    lightness, chroma = lab[..., :1], lab[..., 1:]
    return np.concatenate([0.9 * lightness, 100 * chroma / (lightness + 5)], axis=-1)


def _middle() -> np.ndarray:
    """Weights (SIZE * SIZE,) that fall off from where walls are; they sum to 1."""
    height, up, across = MIDDLE
    x = np.linspace(-1, 1, SIZE)
    weights = np.exp(-((((x - height) / up) ** 2)[:, None] + (x / across) ** 2) / 2)
    return weights.ravel() / weights.sum()


def _border() -> np.ndarray:
    """Weights (SIZE * SIZE,) of the image's frame; they sum to 1."""
    weights = np.ones((SIZE, SIZE))
    width = int(SIZE * BORDER)
    weights[width:-width, width:-width] = 0
    return weights.ravel() / weights.sum()
