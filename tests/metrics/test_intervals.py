"""How far a mean can be trusted."""

import numpy as np
import pytest

from s2i.metrics.intervals import bootstrap


def test_the_bootstrap_interval_covers_the_true_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = [bootstrap(rng.normal(size=40), seed=seed, level=0.9) for seed in range(200)]
    covered = np.mean([interval["low"] <= 0 <= interval["high"] for interval in intervals])
    assert 0.83 <= covered <= 0.95


def test_the_bootstrap_resamples_whole_photos():
    values, photos = np.repeat([0.0, 1, 2, 3, 4, 5, 6, 7], 25), np.repeat([*"abcdefgh"], 25)
    alone, grouped = bootstrap(values), bootstrap(values, photos)
    assert alone["mean"] == grouped["mean"] == 3.5
    assert grouped["high"] - grouped["low"] > 3 * (alone["high"] - alone["low"])
    assert bootstrap(np.arange(8.0), [*"abcdefgh"]) == bootstrap(np.arange(8.0))


def test_the_bootstrap_of_one_photo_has_a_mean_and_no_interval_and_of_none_is_refused():
    assert bootstrap([1, 2], ["a", "a"]) == {"mean": 1.5}
    with pytest.raises(ValueError, match="at least one value"):
        bootstrap([])
