"""Which way each metric points, which ones a verdict rests on, and how many images FID needs."""

from typing import Any, Literal, NamedTuple

import numpy as np


class Metric(NamedTuple):
    """A headline metric decides whether a change made things worse.

    "nearer 1" are ratios to the photo's own value.
    """

    better: Literal["higher", "lower", "nearer 1"]
    headline: bool = False


IMAGE_METRICS = {  # of one image, so that means have intervals
    "lpips": Metric("lower", headline=True),
    "lpips_matte": Metric("lower"),
    "lpips_vgg": Metric("lower", headline=True),
    "lpips_vgg_matte": Metric("lower"),
    "st_lpips": Metric("lower"),
    "st_lpips_matte": Metric("lower"),
    "ssim": Metric("higher"),
    "ssim_matte": Metric("higher"),
    "psnr": Metric("higher"),
    "psnr_matte": Metric("higher"),
    "sharpness": Metric("nearer 1", headline=True),
    "band_power_coarse": Metric("nearer 1"),
    "band_power_middle": Metric("nearer 1", headline=True),
    "band_power_fine": Metric("nearer 1"),
    "edge_f1": Metric("higher", headline=True),
    "resketch_f1": Metric("higher", headline=True),
    "resketch_ssim": Metric("higher"),
    "rectangle_error": Metric("lower"),
    "window_count_error": Metric("lower"),
    "window_recall": Metric("higher"),
    "balcony_recall": Metric("higher", headline=True),
    "door_recall": Metric("higher"),
    "roof_recall": Metric("higher"),
    "color_match": Metric("higher"),
    "material_match": Metric("higher"),
    "clip_score": Metric("higher"),
    "nearer_to_training": Metric("lower"),
}
SET_METRICS = {  # of all images at once
    "fd_efficientnet_lite0": Metric("lower"),
    "kid_efficientnet_lite0": Metric("lower"),
    "fid": Metric("lower"),
    "kid_inception": Metric("lower"),
    "cmmd": Metric("lower"),
}
METRICS = IMAGE_METRICS | SET_METRICS
HEADLINES = tuple(name for name, metric in METRICS.items() if metric.headline)

FID_MIN_IMAGES = 2048  # Below as many images as features the covariances are singular and FID is biased upwards.


def improvement(name: str) -> int:
    """1 where more of a metric, as `compared` gives it, is better, -1 where less is."""
    return -1 if METRICS[name].better == "lower" else 1


def compared(name: str, values: Any) -> Any:
    """Values of a metric, an array or a series, as they are compared and subtracted.

    Of a ratio that is best at 1 that is the smaller of it and its reciprocal, from 0 to 1: both half and twice are 0.5.
    """
    if METRICS[name].better != "nearer 1":
        return values
    with np.errstate(divide="ignore"):
        return np.minimum(values, 1 / values)
