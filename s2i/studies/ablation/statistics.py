"""What a mean over photos and seeds says of other photos and other seeds."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Estimate(NamedTuple):
    """A mean and its interval."""

    mean: float
    low: float
    high: float

    @property
    def is_told_apart(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low * self.high > 0


def photo_seed_interval(values: ArrayLike, level: float = 0.95, comparisons: int = 1) -> Estimate:
    """The mean of values (photos, seeds), and an interval that holds for other photos and other seeds alike.

    Photos and seeds are crossed random effects: the variance of the mean is that of the photos, of the seeds and of
    what is left, each by its number, from their mean squares.  Student's t has the degrees of freedom of whichever
    there are fewer of: Satterthwaite's, which are more, do not hold far out, where many comparisons look.
    comparisons: how many intervals are to hold at once, by Bonferroni's rule.
    Raises ValueError with fewer than two photos or two seeds.
    Source: Searle, Casella and McCulloch, "Variance Components", 1992, chapter 4.
    """
    from scipy import stats  # takes a second

    array = np.asarray(values, dtype=float)
    photos, seeds = array.shape
    if min(photos, seeds) < 2:
        raise ValueError("an interval over photos and seeds needs two of each at least")
    mean, of_photos, of_seeds = array.mean(), array.mean(axis=1), array.mean(axis=0)
    rest = array - of_photos[:, None] - of_seeds[None] + mean
    square_of_photos = seeds * ((of_photos - mean) ** 2).sum() / (photos - 1)
    square_of_seeds = photos * ((of_seeds - mean) ** 2).sum() / (seeds - 1)
    square_of_rest = (rest**2).sum() / ((photos - 1) * (seeds - 1))
    # An estimate of a variance may be below zero: one of the two is all that varies then.
    total = max(square_of_photos + square_of_seeds - square_of_rest, square_of_photos, square_of_seeds)
    share = 1 - (1 - level) / comparisons / 2
    half = float(stats.t.ppf(share, min(photos, seeds) - 1) * np.sqrt(total / (photos * seeds)))
    return Estimate(float(mean), float(mean) - half, float(mean) + half)
