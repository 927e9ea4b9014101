"""KID against the written out formula, and how far it can be trusted."""

import numpy as np
import pytest

from s2i.core.errors import UserError
from s2i.metrics.kernel_distance import difference_interval, kernel_distance


def kernel(a, b):
    return (a @ b / len(a) + 1) ** 3


def test_it_is_the_written_out_formula():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    within_x = np.mean([kernel(x[i], x[j]) for i in range(4) for j in range(4) if i != j])
    within_y = np.mean([kernel(y[i], y[j]) for i in range(5) for j in range(5) if i != j])
    between = np.mean([kernel(a, b) for a in x for b in y])
    assert kernel_distance(x, y).value == pytest.approx(within_x + within_y - 2 * between)


def test_pairs_of_one_photo_are_left_out_and_leaving_a_photo_out_takes_all_of_it():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(4, 3))
    of_x, of_y = [*"aabbccdd"], [*"abcd"]

    def by_hand(x, y, of_x, of_y):
        mean = lambda a, b, p, q: np.mean(  # noqa: E731
            [kernel(a[i], b[j]) for i in range(len(a)) for j in range(len(b)) if p[i] != q[j]]
        )
        return mean(x, x, of_x, of_x) + mean(y, y, of_y, of_y) - 2 * mean(x, y, of_x, of_y)

    found = kernel_distance(x, y, of_x, of_y)
    assert found.value == pytest.approx(by_hand(x, y, of_x, of_y))
    without_b = by_hand(np.delete(x, [2, 3], 0), np.delete(y, 1, 0), [*"aaccdd"], [*"acd"])
    assert found.leave_one_out["b"] == pytest.approx(without_b) and list(found.leave_one_out) == [*"abcd"]


def test_the_interval_covers_what_many_images_give():
    """Two sets of 16 features; the true squared MMD of these two Gaussians by 4,000 of each."""
    rng = np.random.default_rng(0)
    draw = lambda count, mean: rng.normal(mean, 1, size=(count, 16))  # noqa: E731
    truth = kernel_distance(draw(4000, 0.4), draw(4000, 0)).value
    intervals = [kernel_distance(draw(30, 0.4), draw(30, 0)).interval() for _ in range(200)]
    covered = np.mean([interval["low"] <= truth <= interval["high"] for interval in intervals])
    assert 0.88 <= covered <= 0.99


def test_a_paired_difference_is_clear_where_both_intervals_overlap():
    """Two models whose images are of the same photos: what makes a photo hard moves both."""
    rng = np.random.default_rng(0)
    photos = rng.normal(size=(54, 16))
    shared = photos + rng.normal(0.3, 0.6, size=photos.shape)
    ids = [str(number) for number in range(54)]
    better, worse = (kernel_distance(shared + shift, photos, ids, ids) for shift in (0, 0.05))
    one, other = better.interval(), worse.interval()
    assert one["high"] > other["low"], "they overlap"
    difference = difference_interval(better, worse)
    assert difference["high"] < 0 and difference["mean"] == pytest.approx(better.value - worse.value)


def test_one_photo_has_no_distance():
    x = np.random.default_rng(0).normal(size=(3, 4))
    with pytest.raises(UserError, match="at least 2 photos"):
        kernel_distance(x, x, [*"aaa"], [*"aaa"])
