"""Whether paired differences could be chance, for many metrics of few photos at once.

Where two runs are equally good, each photo's differences could as well have the other sign.  So the signs are flipped,
those of all metrics of a photo together, and the largest statistic of any metric under the flips says how large one
may be by chance.  This holds for any number of photos, however the metrics depend on each other, and needs no normal
distribution; the only assumption is that the differences are as likely to have either sign.

With n photos 2^(n-1) flips differ, so no p-value is below 2^(1-n), whatever the number of metrics: at 95 % a verdict
takes at least 6 photos.
Source: Westfall and Young, "Resampling-based multiple testing", 1993 (max-T); Nichols and Holmes, "Nonparametric
permutation tests for functional neuroimaging", 2002 (sign flips).
"""

import functools
import math
from typing import NamedTuple

import numpy as np

MAX_ALL_FLIPS = 2**12  # as many as there are of 13 photos; of more photos some are drawn
DRAWN_FLIPS = 4999


class SignFlipTest(NamedTuple):
    """For each of M metrics: arrays (..., M)."""

    mean: np.ndarray  # of the differences
    p_value: np.ndarray  # corrected over all metrics
    low: np.ndarray  # of the interval; NaN where the photos are too few for one
    high: np.ndarray
    is_decidable: np.ndarray  # whether there are photos enough for any verdict at the level


def sign_flip_test(sums: np.ndarray, counts: np.ndarray, level: float) -> SignFlipTest:
    """Test that the mean differences of M metrics are 0, with intervals that hold for all of them at once.

    sums: (..., N, M), for each photo, or group of photos that belong together, the sum of its images' differences; what
    stands before are tests apart.
    counts: (..., N, M), how many images these sums are of, 0 where a metric is not known.
    An interval leaves 0 out exactly where the p-value is at most 1 - level.  Its ends are the means whose differences
    would have the largest statistic that chance allows, Sum(d) / sqrt(Sum(d^2)), which has variance 1 under flips.
    """
    sums, counts = np.asarray(sums, dtype=float), np.asarray(counts, dtype=float)
    squares = (sums**2).sum(axis=-2)
    scale = np.where(squares > 0, np.sqrt(squares), np.inf)
    scaled = sums / scale[..., None, :]
    flips = _flips(sums.shape[-2])
    largest = np.concatenate([np.abs(part @ scaled).max(axis=-1) for part in _parts(flips)], axis=-1)
    observed = np.abs(scaled.sum(axis=-2)) * (1 - 1e-9)
    p_value = np.stack([(largest >= one[..., None]).mean(axis=-1) for one in np.moveaxis(observed, -1, 0)], axis=-1)
    allowed = math.floor((1 - level) * len(flips) + 1e-9)
    critical = np.partition(largest, -1 - allowed, axis=-1)[..., -1 - allowed, None] * (1 + 1e-9)
    low, high = _interval(sums, counts, critical)
    is_decidable = ((counts > 0).sum(axis=-2) >= min_photos(level)) & np.isfinite(low)
    images = counts.sum(axis=-2)
    mean = sums.sum(axis=-2) / np.where(images, images, np.nan)
    low, high = (np.where(is_decidable, end, np.nan) for end in (low, high))
    return SignFlipTest(mean, p_value, low, high, is_decidable)


def min_photos(level: float) -> int:
    """With how many photos a verdict at a level is possible: 2^(1 - n) is at most 1 - level."""
    return 1 + math.ceil(math.log2(1 / (1 - level)) - 1e-9)


@functools.lru_cache(maxsize=2)
def _flips(photos: int) -> np.ndarray:
    """Signs (B, photos) int8 of 1 and -1, the first row all 1, and the first column: flipping all changes nothing."""
    if 2 ** (photos - 1) <= MAX_ALL_FLIPS:
        bits = np.arange(2 ** (photos - 1))[:, None] >> np.arange(photos - 1) & 1
        return np.hstack([np.ones((len(bits), 1), np.int8), (1 - 2 * bits).astype(np.int8)])
    drawn = np.random.default_rng(0).integers(0, 2, (DRAWN_FLIPS, photos), dtype=np.int8)
    return np.vstack([np.ones((1, photos), np.int8), 2 * drawn - 1])


def _parts(flips: np.ndarray) -> list[np.ndarray]:
    """The same rows in parts whose floats fit into memory."""
    return np.array_split(flips, max(1, flips.size // 2**22))


def _interval(sums: np.ndarray, counts: np.ndarray, critical: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The means m at which |Sum(d - m n)| = critical sqrt(Sum((d - m n)^2)), (..., M) each; NaN if there are none."""
    total, images = sums.sum(axis=-2), counts.sum(axis=-2)
    squares, products, square_counts = (values.sum(axis=-2) for values in (sums**2, sums * counts, counts**2))
    a = images**2 - critical**2 * square_counts
    a = np.where(a > 1e-9 * images**2, a, np.nan)
    b = total * images - critical**2 * products
    c = total**2 - critical**2 * squares
    root = np.sqrt(np.clip(b**2 - a * c, 0, None))
    return (b - root) / a, (b + root) / a
