"""How far a mean of few images can be trusted."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike


def mean_interval(values: ArrayLike, groups: Sequence[Hashable] | None = None, level: float = 0.95) -> dict[str, float]:
    """The mean of values and Student's t interval of it: {"mean", "low", "high"}.

    groups: for each value what it was drawn with, such as its photo.  Images of one photo are alike, so the spread is
    that of whole groups, as many of which there are.  Of one group there is no spread: no "low" and "high".
    A percentile bootstrap in its place would be too narrow for few groups: of n values it never leaves their range.
    Raises ValueError without values.
    Source: Cameron and Miller, "A practitioner's guide to cluster-robust inference", 2015, with t of groups - 1.
    """
    array = np.asarray(values, dtype=float)
    if array.size == 0:
        raise ValueError("mean_interval() needs at least one value")
    _, group = np.unique(np.arange(array.size) if groups is None else np.asarray(groups), return_inverse=True)
    sums, counts = np.bincount(group, weights=array), np.bincount(group)
    mean = float(array.mean())
    if counts.size < 2:
        return {"mean": mean}
    variance = counts.size / (counts.size - 1) * np.square(sums - mean * counts).sum() / array.size**2
    margin = student_t(counts.size - 1, level) * float(np.sqrt(variance))
    return {"mean": mean, "low": mean - margin, "high": mean + margin}


def jackknife_interval(value: float, leave_one_out: ArrayLike, level: float = 0.95) -> dict[str, float]:
    """A statistic of a sample with its standard error and interval: {"mean", "low", "high", "se"}.

    leave_one_out: the statistic of the sample less each of its members in turn; infinite or NaN ones leave no interval.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 11, with Student's t.
    """
    array = np.asarray(leave_one_out, dtype=float)
    if array.size < 2 or not np.isfinite(array).all():
        return {"mean": value}
    se = float(np.sqrt((array.size - 1) / array.size * np.square(array - array.mean()).sum()))
    margin = student_t(array.size - 1, level) * se
    return {"mean": value, "low": value - margin, "high": value + margin, "se": se}


def student_t(freedom: int, level: float) -> float:
    """How many standard errors an interval at a level reaches to either side."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))
