"""How far a mean of few images can be trusted."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

MAX_BATCH_NUMBERS = 2**20  # drawn at once; all resamples of many images together would take gigabytes


def bootstrap(
    values: ArrayLike, groups: Sequence[Hashable] | None = None, seed: int = 0, level: float = 0.95
) -> dict[str, float]:
    """The mean of values and its percentile bootstrap interval: {"mean", "low", "high"}.

    groups: for each value what it was drawn with, such as its photo.  Images of one photo are alike, so whole groups
    are resampled, never single values of them.  With one group there is nothing to resample: no "low" and "high".
    Raises ValueError without values.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13; the percentile interval.
    """
    array = np.asarray(values, dtype=float)
    if array.size == 0:
        raise ValueError("bootstrap() needs at least one value")
    _, group = np.unique(np.arange(array.size) if groups is None else np.asarray(groups), return_inverse=True)
    sums, counts = np.bincount(group, weights=array), np.bincount(group)
    summary = {"mean": float(array.mean())}
    if counts.size > 1:
        from scipy import stats  # takes a second

        interval = stats.bootstrap(
            (sums, counts),
            _ratio,
            paired=True,
            vectorized=True,
            batch=max(1, MAX_BATCH_NUMBERS // counts.size),
            confidence_level=level,
            method="percentile",
            rng=seed,
        ).confidence_interval
        summary |= {"low": float(interval.low), "high": float(interval.high)}
    return summary


def _ratio(sums: np.ndarray, counts: np.ndarray, axis: int) -> np.ndarray:
    """The mean over all values of the drawn groups."""
    means: np.ndarray = sums.sum(axis=axis) / counts.sum(axis=axis)
    return means
