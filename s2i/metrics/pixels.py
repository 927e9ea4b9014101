"""How alike two images are pixel by pixel, over all of them or where a matte says the building stands."""

from typing import Any

import numpy as np

SSIM_BORDER = 5  # pixels at the border, around which the 11 x 11 window of SSIM does not fit


def ssim(generated: np.ndarray, target: np.ndarray, matte: np.ndarray | None = None) -> float:
    """Structural similarity, at most 1, which equal images have.

    generated, target: (H, W, 3) or (H, W) uint8, H and W at least 11.  matte: (H, W) uint8, how much each pixel counts;
    a blank one gives NaN.  Source: Wang et al., "Image quality assessment: from error visibility to structural
    similarity", 2004, with its Gaussian window; scikit-image's implementation.
    """
    from skimage.metrics import structural_similarity  # takes a second

    settings: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}  # as published
    settings |= {"data_range": 255, "channel_axis": -1 if generated.ndim == 3 else None, "full": True}
    mean, similarity = structural_similarity(generated, target, **settings)  # type: ignore[no-untyped-call]
    if matte is None:
        return float(mean)
    inside = slice(SSIM_BORDER, -SSIM_BORDER)
    similarity = similarity.mean(axis=2) if generated.ndim == 3 else similarity
    return weighted_mean(similarity[inside, inside], matte[inside, inside])


def psnr(generated: np.ndarray, target: np.ndarray, matte: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB; equal images have an infinite one.

    generated, target: (H, W, 3) or (H, W) uint8.  matte: as for `ssim`.
    """
    squared = (generated.astype(np.float64) - target) ** 2
    error = squared.mean(axis=2) if squared.ndim == 3 else squared
    mean = error.mean() if matte is None else weighted_mean(error, matte)
    return float(10 * np.log10(255**2 / mean)) if mean else float("inf")


def weighted_mean(values: np.ndarray, matte: np.ndarray) -> float:
    """The mean of values (H, W), each counted as much as matte (H, W) says; NaN where that is nothing."""
    weights = matte.astype(np.float64)
    return float((values * weights).sum() / weights.sum()) if weights.any() else float("nan")


def intersection_over_union(matte: np.ndarray, truth: np.ndarray) -> float:
    """IoU of two mattes (H, W) uint8, each cut at half; 1 when both are blank."""
    a, b = matte >= 128, truth >= 128
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else 1.0
