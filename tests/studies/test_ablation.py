"""The study of training choices: what is run, what stands in its table, and how it is told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from s2i.studies.ablation import report, runs

PROJECT = Path(__file__).parents[2]
STUDY = {
    "seeds": [0, 1],
    "reference": "modified",
    "common": {"train.steps": 5, "generate.steps": 2},
    "without_prompts": ["modified"],
    "groups": {
        "whole": {"none": {"adapter": "none"}, "full": {"adapter": "full"}},
        "low rank": {"modified": {"adapter": "modified", "rank": 4}},
    },
}


@pytest.fixture
def values():
    return yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def table(values):
    """Scores of every run but one, full with seed 1; the better, the higher the rank."""
    rng, rows = np.random.default_rng(0), []
    difficulty = rng.normal(size=12)
    for run in runs.planned_runs(STUDY, values):
        level = {"none": 0.5, "full": 0.3, "modified": 0.2}[run.experiment] + 0.1 * (run.prompts == "empty")
        for photo in range(12 if run.name != "ablation-full-1" else 0):
            score = level + 0.05 * difficulty[photo] + 0.01 * rng.normal() + 0.02 * run.seed
            scores = {"st_lpips": score, "edge_f1": 1 - score, "window_count_error": 10 * score}
            rows.append(
                dict(zip(runs.KEY, run.key, strict=True)) | {"trained": 1000, "photo": f"{photo:016x}"} | scores
            )
    return pd.DataFrame(rows)


def test_every_experiment_is_run_with_every_seed_and_the_data_stay(values):
    planned = list(runs.planned_runs(STUDY, values))
    assert [run.name for run in planned] == [
        "ablation-none-0",
        "ablation-full-0",
        "ablation-modified-0",
        "ablation-modified-0-without-prompts",
        "ablation-full-1",
        "ablation-modified-1",
        "ablation-modified-1-without-prompts",
    ]
    assert {run.params.seed for run in planned} == {values["seed"]}
    assert [run.params.training_seed for run in planned] == [0, 0, 0, 0, 1, 1, 1]
    assert len({run.key for run in planned}) == len(planned)


def test_the_study_names_parameters_that_exist_and_its_own_experiments(values):
    ours = yaml.safe_load((PROJECT / "studies/ablation/experiments.yaml").read_text(encoding="utf-8"))
    names = {run.experiment for run in runs.planned_runs(ours, values)}
    assert {ours["reference"], *ours["without_prompts"]} <= names
    with pytest.raises(ValueError, match=r"train.stepz"):
        list(runs.planned_runs(STUDY | {"common": {"train.stepz": 5}}, values))


def test_other_settings_are_another_run_and_what_decides_nothing_is_not(values):
    def keys(**changes):
        return [run.key for run in runs.planned_runs(STUDY, values | changes)]

    assert keys() == keys(workers={"count": 1}) and not set(keys()) & set(keys(resolution=64))


def test_scores_take_the_place_of_those_with_other_settings(table, tmp_path):
    file = tmp_path / "ablation.csv"
    first = table[table["experiment"] == "none"]
    runs.write_scores(first, file)
    runs.write_scores(table[table["experiment"] == "full"], file)
    runs.write_scores(first.assign(settings="012345678901", st_lpips=0.0), file)
    scores = runs.read_scores(file)
    assert len(scores) == 24 and set(scores["experiment"]) == {"none", "full"}
    assert (scores.loc[scores["experiment"] == "none", "st_lpips"] == 0).all()
    assert set(scores.loc[scores["experiment"] == "none", "settings"]) == {"012345678901"}


def test_the_page_has_every_experiment_and_keeps_the_prose(table, tmp_path):
    page = tmp_path / "ablation.md"
    page.write_text(f"before\n{report.BEGIN}\nstale\n{report.END}\nafter\n")
    for _ in range(2):
        report.write_report(table, STUDY, 7, page, tmp_path / "ablation.png")
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "stale" not in text
    assert "6 of 7 runs, seeds 0, 1." in text and text.count("| modified (reference) | 1,000 | 0.2") == 1
    assert "| full | **+0.0" in text, "its interval, photo by photo, is narrower than photos differ"
    assert (tmp_path / "ablation.png").stat().st_size > 10_000


def test_seeds_are_pooled_and_photos_resampled(table):
    rows = table[(table["experiment"] == "modified") & (table["prompts"] == "given")]
    figures = report.summary(rows, "st_lpips")
    assert figures["mean"] == pytest.approx(np.mean(figures["seeds"])) and len(figures["seeds"]) == 2
    assert figures["low"] < figures["mean"] < figures["high"]
    assert np.ptp(figures["seeds"]) == pytest.approx(0.02, abs=0.01)
    empty = table[(table["experiment"] == "modified") & (table["prompts"] == "empty")]
    change = report.difference(empty, rows, "st_lpips")
    assert change["low"] > 0 and change["high"] - change["low"] < figures["high"] - figures["low"]


def test_a_study_without_scores_says_so(tmp_path):
    page = tmp_path / "ablation.md"
    page.write_text(f"{report.BEGIN}{report.END}\n")
    report.write_report(runs.read_scores(tmp_path / "ablation.csv").head(0), STUDY, 7, page, tmp_path / "ablation.png")
    assert "0 of 7 runs" in page.read_text() and not (tmp_path / "ablation.png").exists()
