"""Verdicts over many metrics of few photos: how often they are wrong, and how often right."""

import itertools

import numpy as np
import pytest

from s2i.metrics.sign_flips import min_photos, sign_flip_test

METRICS, LEVEL = 17, 0.95
REPORTS, BATCH = 2000, 20


def noise(photos, shift, rng):
    """Differences of two equally good runs (BATCH, photos, METRICS); a shift of a photo moves all its metrics."""
    alone = rng.normal(size=(BATCH, photos, METRICS))
    return alone if shift == "independent" else rng.normal(size=(BATCH, photos, 1)) + 0.3 * alone


def share_of_verdicts(photos, shift, reports, seed=0):
    rng, found = np.random.default_rng([photos, seed]), []
    for _ in range(reports // BATCH):
        differences = noise(photos, shift, rng)
        test = sign_flip_test(differences, np.ones_like(differences), LEVEL)
        is_verdict = (test.low > 0) | (test.high < 0)
        assert (is_verdict == ((test.p_value <= 1 - LEVEL) & test.is_decidable)).all(), "interval and p-value agree"
        found += list(is_verdict.any(axis=-1))
    return np.mean(found)


@pytest.mark.slow
@pytest.mark.parametrize("shift", ["independent", "shared"])
@pytest.mark.parametrize("photos", [5, 8, 10, 16, 35, 54])
def test_of_2000_reports_on_equally_good_runs_at_most_6_percent_have_a_verdict(photos, shift):
    assert share_of_verdicts(photos, shift, REPORTS) <= 0.06


@pytest.mark.parametrize("shift", ["independent", "shared"])
@pytest.mark.parametrize("photos", [5, 8, 10, 16])
def test_of_200_reports_on_equally_good_runs_few_have_a_verdict(photos, shift):
    """20 of 200 are beyond what 5 % gives by chance (p = 0.002); percentile bootstraps gave 40 to 190."""
    assert share_of_verdicts(photos, shift, 200) < 0.1


def test_p_values_are_those_of_all_flips_written_out():
    differences = np.random.default_rng(0).normal(0.5, 1, size=(7, 3))
    statistic = lambda d: np.abs(d.sum(axis=0)) / np.sqrt((d**2).sum(axis=0))  # noqa: E731
    flips = [np.array(signs)[:, None] * differences for signs in itertools.product([1, -1], repeat=7)]
    largest = np.array([statistic(flipped).max() for flipped in flips])
    by_hand = [(largest >= observed - 1e-9).mean() for observed in statistic(differences)]
    assert sign_flip_test(differences, np.ones_like(differences), LEVEL).p_value == pytest.approx(by_hand)


def test_fewer_than_6_photos_decide_nothing_and_6_can():
    assert min_photos(0.95) == 6 and min_photos(0.9) == 5 and min_photos(0.99) == 8
    for photos in (1, 2, 5, 6):
        equal = np.linspace(0.9, 1.1, photos)[:, None] * np.ones((1, METRICS))
        test = sign_flip_test(equal, np.ones_like(equal), LEVEL)
        assert test.is_decidable.all() == (photos == 6) and np.isnan(test.low).all() == (photos < 6)
    assert (test.low > 0).all(), "all six photos say the same"


def test_a_metric_known_of_few_photos_is_undecidable_and_the_others_are_not():
    differences, counts = np.random.default_rng(0).normal(1, 0.3, size=(20, 2)), np.ones((20, 2))
    differences[5:, 1] = counts[5:, 1] = 0
    test = sign_flip_test(differences, counts, LEVEL)
    assert test.is_decidable.tolist() == [True, False] and test.low[0] > 0 and np.isnan(test.low[1])
    assert test.mean == pytest.approx([differences[:, 0].mean(), differences[:5, 1].mean()])


def test_the_interval_of_one_metric_is_near_students_and_holds_the_mean_per_image():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 4, (40, 1)).astype(float)
    sums = counts * rng.normal(0.3, 1, (40, 1))
    test = sign_flip_test(sums, counts, LEVEL)
    assert test.mean[0] == pytest.approx(sums.sum() / counts.sum()) and test.low[0] < test.mean[0] < test.high[0]
    equal = rng.normal(0.3, 1, (40, 1))
    test = sign_flip_test(equal, np.ones_like(equal), LEVEL)
    width = 2 * 2.02 * equal.std(ddof=1) / np.sqrt(40)
    assert test.high[0] - test.low[0] == pytest.approx(width, rel=0.1)


@pytest.mark.parametrize(("effect", "power"), [(0.5, 0.42), (0.6, 0.63), (0.8, 0.93)])
def test_power_at_35_photos_is_what_the_docs_say(effect, power):
    """effect: the mean difference of one of 17 independent metrics in standard deviations over photos."""
    rng, found = np.random.default_rng(1), []
    for _ in range(15):
        differences = noise(35, "independent", rng)
        differences[..., 0] += effect
        found += list(sign_flip_test(differences, np.ones_like(differences), LEVEL).low[..., 0] > 0)
    assert np.mean(found) == pytest.approx(power, abs=0.09)
