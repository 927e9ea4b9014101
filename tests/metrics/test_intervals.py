"""How far a mean, or a statistic of a sample, can be trusted."""

import numpy as np
import pytest

from s2i.metrics.intervals import jackknife_interval, mean_interval


@pytest.mark.parametrize("count", [3, 8, 16, 40])
@pytest.mark.parametrize("level", [0.9, 0.95, 1 - 0.05 / 17])
def test_the_interval_covers_the_true_mean_as_often_as_it_says_also_of_few_values(count, level):
    rng = np.random.default_rng(count)
    intervals = [mean_interval(rng.normal(size=count), level=level) for _ in range(1000)]
    covered = np.mean([interval["low"] <= 0 <= interval["high"] for interval in intervals])
    assert abs(covered - level) < 4 * np.sqrt(level * (1 - level) / 1000)


def test_the_interval_is_students_of_single_values():
    from scipy import stats

    values = np.random.default_rng(0).normal(size=9)
    low, high = stats.t.interval(0.95, 8, values.mean(), stats.sem(values))
    assert mean_interval(values) == pytest.approx({"mean": values.mean(), "low": low, "high": high})


def test_images_of_one_photo_count_as_one():
    values, photos = np.repeat([0.0, 1, 2, 3, 4, 5, 6, 7], 25), np.repeat([*"abcdefgh"], 25)
    alone, grouped = mean_interval(values), mean_interval(values, photos)
    assert alone["mean"] == grouped["mean"] == 3.5
    assert grouped["high"] - grouped["low"] > 3 * (alone["high"] - alone["low"])
    assert grouped == pytest.approx(mean_interval(np.arange(8.0), [*"abcdefgh"]))


def test_one_photo_has_a_mean_and_no_interval_and_none_is_refused():
    assert mean_interval([1, 2], ["a", "a"]) == {"mean": 1.5}
    with pytest.raises(ValueError, match="at least one value"):
        mean_interval([])


def test_the_jackknife_of_a_mean_is_its_students_interval():
    values = np.random.default_rng(0).normal(size=9)
    without = [np.delete(values, row).mean() for row in range(9)]
    interval = jackknife_interval(values.mean(), without)
    assert interval.pop("se") == pytest.approx(values.std(ddof=1) / 3)
    assert interval == pytest.approx(mean_interval(values))
    assert jackknife_interval(1.0, [float("nan"), 1.0]) == {"mean": 1.0}
