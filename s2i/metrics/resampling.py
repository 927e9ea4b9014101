"""How far a distance between two small sets of pictures can be trusted."""

import numpy as np


def frechet_distance_of_few(generated: np.ndarray, target: np.ndarray) -> float:
    """`s2i.metrics.frechet.frechet_distance` of features (N, D) and (M, D), fast where N and M are far below D.

    The trace of (C C')^(1/2) is the sum of the singular values of A B^T, the centred features of the two sets: C C' and
    A B^T B A^T have the same eigenvalues beside zero.
    """
    a, b = (each - each.mean(axis=0) for each in (generated, target))
    n, m = len(a) - 1, len(b) - 1
    shared = np.linalg.svd(a @ b.T, compute_uv=False).sum() / np.sqrt(n * m)
    moved = np.square(generated.mean(axis=0) - target.mean(axis=0)).sum()
    return float(moved + np.square(a).sum() / n + np.square(b).sum() / m - 2 * shared)


def frechet_interval(
    generated: np.ndarray, target: np.ndarray, level: float = 0.95, resamples: int = 200, seed: int = 0
) -> dict[str, float]:
    """The Frechet distance of features (N, D) and (M, D) and its bootstrap interval: {"mean", "low", "high"}.

    Pictures of both sets are resampled.  A resample repeats pictures, which alone makes it more distant; so the
    percentiles are moved back by how much the resamples are more distant on average.
    Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 10, for the bias.
    """
    rng = np.random.default_rng(seed)
    distance = frechet_distance_of_few(generated, target)
    resampled = [
        frechet_distance_of_few(rng.choice(generated, len(generated)), rng.choice(target, len(target)))
        for _ in range(resamples)
    ]
    tail = 50 * (1 - level)
    low, high = np.percentile(resampled, [tail, 100 - tail]) - (np.mean(resampled) - distance)
    return {"mean": distance, "low": float(low), "high": float(high)}
