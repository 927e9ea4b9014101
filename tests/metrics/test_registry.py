"""Which way metrics point."""

import numpy as np

from s2i.metrics.registry import HEADLINES, METRICS, compared, improvement


def test_headlines_are_known_metrics_and_point_somewhere():
    assert "balcony_recall" in HEADLINES and set(HEADLINES) <= METRICS.keys()
    assert improvement("st_lpips") == -1 and improvement("edge_f1") == 1


def test_lpips_and_sharpness_are_headlines_and_shift_tolerant_lpips_stands_beside():
    assert {"lpips", "lpips_vgg", "sharpness", "band_power_middle"} <= set(HEADLINES) and "st_lpips" not in HEADLINES


def test_ratios_are_compared_by_how_near_they_are_to_1():
    assert compared("sharpness", np.array([0.5, 1, 2, 0])).tolist() == [0.5, 1, 0.5, 0]
    assert compared("edge_f1", np.array([2.0])).tolist() == [2] and improvement("sharpness") == 1
