import numpy as np
import pytest

from s2i.metrics.intervals import mean_interval
from s2i.studies.ablation.statistics import photo_seed_interval


def draws(rng, photos=54, seeds=5, of_photo=0.02, of_seed=0.02, rest=0.03):
    """Differences whose true mean is zero."""
    return (
        of_photo * rng.normal(size=(photos, 1))
        + of_seed * rng.normal(size=seeds)
        + rest * rng.normal(size=(photos, seeds))
    )


@pytest.mark.parametrize(("of_photo", "of_seed"), [(0.02, 0.02), (0.02, 0.0), (0.0, 0.02), (0.0, 0.0)])
def test_intervals_hold_for_other_photos_and_other_seeds(of_photo, of_seed):
    rng = np.random.default_rng(0)
    intervals = [photo_seed_interval(draws(rng, of_photo=of_photo, of_seed=of_seed)) for _ in range(1000)]
    missed = np.mean([interval.is_told_apart for interval in intervals])
    assert missed < 0.07


def test_an_interval_over_photos_alone_takes_the_luck_of_a_seed_for_a_difference():
    rng, missed, ours = np.random.default_rng(0), 0, 0
    for _ in range(200):
        values = draws(rng)
        interval = mean_interval(values.mean(axis=1))
        missed += interval["low"] * interval["high"] > 0
        ours += photo_seed_interval(values).is_told_apart
    assert missed / 200 > 0.2 > 0.09 > ours / 200


def test_of_many_comparisons_without_a_difference_hardly_a_table_has_one_that_looks_like_one():
    rng = np.random.default_rng(0)
    tables = 300
    false = sum(
        any(photo_seed_interval(draws(rng), comparisons=40).is_told_apart for _ in range(40)) for _ in range(tables)
    )
    assert false / tables < 0.06


def test_a_large_difference_is_found_and_the_mean_is_the_mean():
    values = 0.2 + draws(np.random.default_rng(1))
    interval = photo_seed_interval(values, comparisons=40)
    assert interval.is_told_apart and interval.mean == pytest.approx(values.mean())
    assert interval.low < interval.mean < interval.high
    with pytest.raises(ValueError, match="two of each"):
        photo_seed_interval(values[:, :1])
