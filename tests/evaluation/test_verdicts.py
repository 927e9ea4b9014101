"""Whether one run is better than another."""

import numpy as np
from helpers.reports import scores

from s2i.evaluation.report.verdicts import compare, sum_up


def test_a_better_run_is_better():
    verdicts = compare(scores(harm=0.1), scores(seed=1), 0.95)
    assert {verdict.metric: verdict.outcome for verdict in verdicts} == {
        "st_lpips": "better",
        "edge_f1": "better",
        "balcony_recall": "no evidence",
    }
    assert sum_up(verdicts, "v1") == "Better by `st_lpips`, `edge_f1` than v1"


def test_reruns_with_another_seed_are_called_different_no_more_often_than_the_level_allows():
    called = [
        any(verdict.outcome != "no evidence" for verdict in compare(scores(2 * k), scores(2 * k + 1), 0.95))
        for k in range(40)
    ]
    assert np.mean(called) <= 0.15
