"""Distances of sets of images, against pytorch-fid, hand formulas and closed forms."""

import numpy as np
import pytest
from helpers.images import noise

from s2i.core.errors import UserError
from s2i.metrics import distributions
from s2i.metrics.distributions import frechet_distance_of_few, frechet_interval
from s2i.networks import efficientnet


def test_distances_of_few_images_are_named_after_their_network_and_warned_of():
    batches = [noise(2, 3, 64, 64), noise(2, 3, 64, 64, seed=1)]
    features = distributions.features(batches, efficientnet.efficientnet_lite0())
    with pytest.warns(UserWarning, match="fd_efficientnet_lite0 of 4 images is biased"):
        distance = distributions.checked_frechet_distance("efficientnet_lite0", features, features)
    assert distance == pytest.approx(0, abs=1e-2)


def test_frechet_distance_of_one_image_is_refused_with_a_sentence():
    with pytest.raises(UserError, match="needs at least 2 in each; found 1"):
        distributions.checked_frechet_distance("efficientnet_lite0", np.zeros((1, 12)), np.zeros((2, 12)))


def test_2048_images_are_enough_for_no_warning(recwarn):
    enough, few = (np.random.default_rng(0).random((count, 3)) for count in (2048, 2047))
    distributions.checked_frechet_distance("efficientnet_lite0", enough, enough)
    assert not [warning for warning in recwarn if warning.category is UserWarning]
    with pytest.warns(UserWarning, match="of 2047 images"):
        distributions.checked_frechet_distance("efficientnet_lite0", enough, few)


def test_frechet_distance_is_zero_for_equal_sets_and_the_closed_form_for_known_gaussians():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 8))
    assert distributions.frechet_distance(x, x) == pytest.approx(0, abs=1e-6)
    # Moved by 3 in one of 8 dimensions and stretched to twice its size: 3^2 + sum of (2 s - s)^2.
    moved = 2 * (x - x.mean(axis=0)) + x.mean(axis=0) + np.eye(8)[0] * 3
    assert distributions.frechet_distance(moved, x) == pytest.approx(9 + x.var(axis=0, ddof=1).sum())


def test_the_frechet_distance_of_few_is_pytorch_fids():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(300, 20)), rng.normal(0.3, 1.4, size=(200, 20))
    assert frechet_distance_of_few(a, b) == pytest.approx(distributions.frechet_distance(a, b), rel=1e-6)
    assert frechet_distance_of_few(a, a) == pytest.approx(0, abs=1e-9)


def test_the_interval_of_a_frechet_distance_holds_it_and_narrows():
    rng = np.random.default_rng(0)
    few, many = (frechet_interval(rng.normal(size=(n, 5)), rng.normal(1, 1, size=(n, 5))) for n in (40, 600))
    for interval in (few, many):
        assert interval["low"] < interval["mean"] < interval["high"]
    assert many["high"] - many["low"] < few["high"] - few["low"] and many["low"] < 5 < many["high"]


def test_cmmd_is_the_written_out_formula():
    x, y = np.random.default_rng(0).normal(size=(4, 3)), np.random.default_rng(1).normal(size=(5, 3))
    k = lambda a, b: np.exp(-np.sum((a - b) ** 2) / 200)  # noqa: E731
    mean = lambda a, b: np.mean([k(x, y) for x in a for y in b])  # noqa: E731
    assert distributions.cmmd(x, y) == pytest.approx(1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y)))
