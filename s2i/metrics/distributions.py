"""Distances between two sets of images, through the features of a trained network.

`fid` and `kid_inception` use pytorch-fid's Inception and are absent where its weights cannot be had;
`fd_efficientnet_lite0` and `kid_efficientnet_lite0` are the same formulas on EfficientNet-Lite0, which always can.
"""

import warnings
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor

from s2i.core.errors import UserError
from s2i.metrics.registry import FID_MIN_IMAGES

METRICS_OF_NETWORK = {  # the Frechet and the kernel distance
    "efficientnet_lite0": ("fd_efficientnet_lite0", "kid_efficientnet_lite0"),
    "inception": ("fid", "kid_inception"),
}


def checked_frechet_distance(network: str, generated: np.ndarray, target: np.ndarray) -> float:
    """The Frechet distance of a network's features (N, D) and (M, D).

    network: "efficientnet_lite0" or "inception".  Warns below 2,048 images, raises UserError below 2, or when a
    feature is not a finite number.
    """
    frechet, kernel = METRICS_OF_NETWORK[network]
    smaller = check_features(frechet, generated, target)
    if smaller < FID_MIN_IMAGES:
        warnings.warn(
            f"{frechet} of {smaller} images is biased upwards: below {FID_MIN_IMAGES:,} compare it only between "
            f"equally many images, or use {kernel}.",
            stacklevel=3,
        )
    if len(generated) + len(target) < generated.shape[1]:
        return frechet_distance_of_few(generated, target)
    return frechet_distance(generated, target)


def check_features(metric: str, generated: np.ndarray, target: np.ndarray) -> int:
    """The number of images in the smaller set; raises UserError below 2, or when a feature is no finite number."""
    smaller = min(len(generated), len(target))
    if smaller < 2:
        raise UserError(f"{metric} compares sets of images and needs at least 2 in each; found {smaller}.")
    if broken := sum(int((~np.isfinite(x)).any(axis=1).sum()) for x in (generated, target)):
        raise UserError(f"{metric} needs finite features; those of {broken} images are not.")
    return smaller


@torch.no_grad()
def features(batches: Iterable[Tensor], network: Callable[[Tensor], Tensor]) -> np.ndarray:
    """network's features of all images: batches (B, 3, H, W) in [-1, 1] -> (N, D) float64."""
    return torch.cat([network(batch).cpu() for batch in batches]).double().numpy()


def frechet_distance(generated: np.ndarray, target: np.ndarray) -> float:
    """The distance of the Gaussians fitted to features (N, D) and (M, D): |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)).

    Source: Heusel et al., "GANs trained by a two time-scale update rule ...", 2017; pytorch-fid's implementation.
    """
    from pytorch_fid.fid_score import calculate_frechet_distance

    gaussians = [(x.mean(axis=0), np.cov(x, rowvar=False)) for x in (generated, target)]
    with warnings.catch_warnings():
        # Of few images the covariances are singular, which the trace does not mind; and pytorch-fid passes SciPy an
        # argument that SciPy 1.18 drops, hence the upper bound in pyproject.toml.
        warnings.simplefilter("ignore")
        return float(calculate_frechet_distance(*gaussians[0], *gaussians[1]))


CMMD_SIGMA, CMMD_SCALE = 10, 1000


def cmmd(generated: np.ndarray, target: np.ndarray) -> float:
    """CLIP maximum mean discrepancy of embeddings (N, D) and (M, D) of unit length; 0 for equal sets.

    Source: Jayasumana et al., "Rethinking FID: towards a better evaluation metric for image generation", CVPR 2024,
    with the settings and the biased estimator of their code.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
        return float(np.exp(-squared / (2 * CMMD_SIGMA**2)).mean())

    return CMMD_SCALE * (kernel(generated, generated) + kernel(target, target) - 2 * kernel(generated, target))


def frechet_distance_of_few(generated: np.ndarray, target: np.ndarray) -> float:
    """`frechet_distance` of features (N, D) and (M, D), fast where N and M are far below D.

    The trace of (C C')^(1/2) is the sum of the singular values of A B^T, the centred features of the two sets: C C' and
    A B^T B A^T have the same eigenvalues beside zero.
    """
    a, b = (features - features.mean(axis=0) for features in (generated, target))
    n, m = len(a) - 1, len(b) - 1
    trace = np.linalg.svd(a @ b.T, compute_uv=False).sum() / np.sqrt(n * m)
    shift = np.square(generated.mean(axis=0) - target.mean(axis=0)).sum()
    return float(shift + np.square(a).sum() / n + np.square(b).sum() / m - 2 * trace)


def frechet_interval(
    generated: np.ndarray, target: np.ndarray, level: float = 0.95, resamples: int = 200, seed: int = 0
) -> dict[str, float]:
    """The Frechet distance of features (N, D) and (M, D) and its bootstrap interval: {"mean", "low", "high"}.

    Images of both sets are resampled.  A resample repeats images, which alone makes it more distant; so the
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
