"""KID, the kernel distance of two sets of images, and how far it can be trusted, by leaving out photo after photo."""

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from s2i.core.errors import UserError
from s2i.metrics.intervals import jackknife_interval

CHUNK = 2048  # rows of a kernel matrix computed at once


class KernelDistance(NamedTuple):
    """An unbiased squared MMD, which can be negative, and the same without each of the groups."""

    value: float
    leave_one_out: dict[str, float]

    def interval(self, level: float = 0.95) -> dict[str, float]:
        """{"mean", "low", "high", "se"}; without an interval where the groups are too few."""
        return jackknife_interval(self.value, list(self.leave_one_out.values()), level)


def kernel_distance(
    generated: np.ndarray,
    target: np.ndarray,
    generated_groups: Sequence[Hashable] | None = None,
    target_groups: Sequence[Hashable] | None = None,
) -> KernelDistance:
    """KID between features (N, D) and (M, D), of all images at once.

    groups: which photo each row is of.  Images of one photo are alike, so pairs of one photo are left out, between the
    sets and within them, and a photo is left out with all that was drawn of it.  Without groups each row is one.
    Raises UserError where no two rows of a set are of different groups.
    Source: Binkowski et al., "Demystifying MMD GANs", ICLR 2018; Gretton et al., "A kernel two-sample test", 2012,
    equation 3.
    """
    names_x = [f"generated {row}" for row in range(len(generated))] if generated_groups is None else generated_groups
    names_y = [f"target {row}" for row in range(len(target))] if target_groups is None else target_groups
    groups, index = np.unique([str(name) for name in (*names_x, *names_y)], return_inverse=True)
    x, y = index[: len(generated)], index[len(generated) :]
    within_x = _PairMeans.of(generated, generated, x, x, len(groups))
    within_y = _PairMeans.of(target, target, y, y, len(groups))
    between = _PairMeans.of(generated, target, x, y, len(groups))
    value = within_x.mean() + within_y.mean() - 2 * between.mean()
    if not np.isfinite(value):
        raise UserError("a kernel distance needs images of at least 2 photos, or groups of them, in each set.")
    without = within_x.means_without_each() + within_y.means_without_each() - 2 * between.means_without_each()
    return KernelDistance(float(value), dict(zip(groups.tolist(), without.tolist(), strict=True)))


def difference_interval(one: KernelDistance, other: KernelDistance, level: float = 0.95) -> dict[str, float]:
    """The interval of one distance less another, to the same photos, by leaving out each photo in both."""
    common = [name for name in one.leave_one_out if name in other.leave_one_out]
    without = [one.leave_one_out[name] - other.leave_one_out[name] for name in common]
    return jackknife_interval(one.value - other.value, without, level)


class _PairMeans(NamedTuple):
    """Sums of a kernel over pairs of different groups and how many pairs, by the group of the row and of the column."""

    row_sums: np.ndarray
    column_sums: np.ndarray
    row_counts: np.ndarray
    column_counts: np.ndarray

    @classmethod
    def of(cls, a: np.ndarray, b: np.ndarray, rows: np.ndarray, columns: np.ndarray, groups: int) -> "_PairMeans":
        sums = np.zeros((4, groups))
        for start in range(0, len(a), CHUNK):
            group = rows[start : start + CHUNK]
            differs = group[:, None] != columns
            kernel = np.where(differs, (a[start : start + CHUNK] @ b.T / a.shape[1] + 1) ** 3, 0)
            for number, (values, axis) in enumerate(((kernel, 1), (kernel, 0), (differs, 1), (differs, 0))):
                sums[number] += np.bincount(
                    group if axis else columns, weights=values.sum(axis=axis).astype(float), minlength=groups
                )
        return cls(*sums)

    def mean(self) -> float:
        count = self.row_counts.sum()
        return float(self.row_sums.sum() / count) if count else float("nan")

    def means_without_each(self) -> np.ndarray:
        """(groups,): the mean over the pairs that have no part in a group, for each group; NaN where none is left."""
        sums = self.row_sums.sum() - self.row_sums - self.column_sums
        counts = self.row_counts.sum() - self.row_counts - self.column_counts
        means: np.ndarray = sums / np.where(counts > 0, counts, np.nan)
        return means
