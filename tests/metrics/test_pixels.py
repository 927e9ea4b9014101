"""Pixels, over all of two images or where a matte says the building stands."""

import numpy as np
import pytest

from s2i.metrics import pixels
from s2i.metrics.pixels import psnr, ssim


@pytest.fixture
def left():
    """A matte of the left half."""
    matte = np.zeros((64, 64), np.uint8)
    matte[:, :32] = 255
    return matte


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


@pytest.fixture
def half_wrong(image):
    """The image with another right half."""
    other = image.copy()
    other[:, 32:] = 255 - other[:, 32:]
    return other


def test_psnr_is_the_closed_form_and_infinite_for_equal_images(image):
    brighter = (image // 2).astype(np.uint8)
    assert psnr(brighter + np.uint8(10), brighter) == pytest.approx(20 * np.log10(255 / 10))
    assert psnr(image, image) == float("inf")


def test_ssim_is_one_for_equal_images_and_scikit_images_figure_else(image, half_wrong):
    from skimage.metrics import structural_similarity

    assert ssim(image, image) == pytest.approx(1)
    reference = structural_similarity(
        half_wrong, image, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(half_wrong, image) == pytest.approx(reference)


def test_a_matte_says_what_counts(image, half_wrong, left):
    for metric in (ssim, psnr):
        whole = np.full_like(left, 255)
        assert metric(half_wrong, image, whole) == pytest.approx(metric(half_wrong, image), rel=0.01)
        assert metric(half_wrong, image, 255 - left) < metric(half_wrong, image) < metric(half_wrong, image, left)
        assert np.isnan(metric(half_wrong, image, np.zeros_like(left))) and metric(image, image, left) >= 1


def test_overlap_of_blank_mattes_is_whole():
    blank = np.zeros((4, 4), np.uint8)
    assert pixels.intersection_over_union(blank, blank) == 1
    assert pixels.intersection_over_union(blank, blank + 255) == 0
