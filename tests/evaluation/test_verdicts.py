"""Whether one run is better than another."""

import itertools

import numpy as np
import pandas as pd
import pytest
from helpers.reports import scores

from s2i.evaluation.report.verdicts import compare, sum_up
from s2i.metrics.registry import IMAGE_METRICS

METRICS = [name for name, metric in IMAGE_METRICS.items() if metric.better != "nearer 1"][:17]


def test_a_better_run_is_better():
    verdicts = compare(scores(harm=0.1), scores(seed=1), 0.95)
    assert {verdict.metric: verdict.outcome for verdict in verdicts} == {
        "st_lpips": "better",
        "edge_f1": "better",
        "balcony_recall": "no evidence",
    }
    assert sum_up(verdicts, "v1", 0.95) == "Better by `edge_f1` than v1"


def run(photos, seed, shift="independent", **columns):
    """A table of scores of 17 metrics, all noise; with "shared" a photo of a run has most of its noise in common."""
    rng = np.random.default_rng([photos, seed])
    values = rng.normal(size=(photos, len(METRICS)))
    if shift == "shared":
        values = rng.normal(size=(photos, 1)) + 0.3 * values
    rows = pd.DataFrame(values, columns=METRICS)
    return rows.assign(id=[f"{number:016x}" for number in range(photos)], sketch_style="xdog", **columns)


@pytest.mark.parametrize(("photos", "shift"), list(itertools.product([3, 5, 8], ["independent", "shared"])))
def test_reruns_with_another_seed_are_called_different_no_more_often_than_the_level_allows(photos, shift):
    """7 of 40 are beyond what 5 % gives by chance (p = 0.003)."""
    reports = [compare(run(photos, 2 * k, shift), run(photos, 2 * k + 1, shift), 0.95) for k in range(40)]
    called = [any(verdict.outcome in ("better", "worse") for verdict in verdicts) for verdicts in reports]
    assert sum(called) < 7


def test_few_photos_are_too_few_for_a_verdict_whatever_they_say():
    old = run(5, 0)
    verdicts = compare(old, old.assign(**{name: old[name] + 10 for name in METRICS}), 0.95)
    assert {verdict.outcome for verdict in verdicts} == {"too few photos"}
    assert sum_up(verdicts, "v1", 0.95).startswith(
        "Too few photos to tell this run from v1: a verdict at 95% takes at least 6"
    )


def test_photos_of_one_group_count_as_one():
    old = run(12, 0, group=["a", "a", "b", "b", "c", "c", "d", "d", "e", "e", "f", "f"])
    new = old.assign(edge_f1=old["edge_f1"] + np.linspace(0.9, 1.1, 12))
    grouped = {verdict.metric: verdict for verdict in compare(old, new, 0.95)}
    assert grouped["edge_f1"].outcome == "better", "six groups can decide"
    fewer = [table.assign(group=table["group"].replace("f", "e")) for table in (old, new)]
    assert {verdict.outcome for verdict in compare(*fewer, 0.95)} == {"too few photos"}


def test_a_ratio_is_better_where_it_is_nearer_to_1():
    photos = run(20, 0)
    noise = np.random.default_rng(0).normal(0, 0.02, 20)
    for old, new, outcome in ((0.5, 0.8, "better"), (0.9, 1.6, "worse"), (0.8, 1.25, "no evidence")):
        tables = [photos.assign(sharpness=value + noise * number) for number, value in enumerate((old, new))]
        verdict = next(verdict for verdict in compare(*tables, 0.95) if verdict.metric == "sharpness")
        assert verdict.outcome == outcome and verdict.is_headline
        assert verdict.old == pytest.approx(old) and verdict.new == pytest.approx(new, abs=0.02)
