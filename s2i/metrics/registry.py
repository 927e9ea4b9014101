"""Which way each metric points, which ones a verdict rests on, and how many images FID needs."""

from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """A headline metric decides whether a change made things worse."""

    better: Literal["higher", "lower"]
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
    """1 where more of a metric is better, -1 where less is."""
    return 1 if METRICS[name].better == "higher" else -1
