"""The study of training choices: what is run, what is kept, and how it is told."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

STUDIES = Path(__file__).parents[2] / "studies/ablation"
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
def study(monkeypatch):
    """The module studies/ablation/run.py."""
    monkeypatch.syspath_prepend(STUDIES)
    import run

    return run


@pytest.fixture
def values():
    return yaml.safe_load((STUDIES.parents[1] / "params.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def table(study, values):
    """Scores of every run but one, full with seed 1; the better, the higher the rank."""
    rng, rows = np.random.default_rng(0), []
    difficulty = rng.normal(size=12)
    for run in study.runs(STUDY, values):
        level = {"none": 0.5, "full": 0.3, "modified": 0.2}[run.experiment] + 0.1 * (run.prompts == "empty")
        for photo in range(12 if run.name != "ablation-full-1" else 0):
            score = level + 0.05 * difficulty[photo] + 0.01 * rng.normal() + 0.02 * run.seed
            scores = {"st_lpips": score, "edge_f1": 1 - score, "window_count_error": 10 * score}
            rows.append(
                dict(zip(study.KEY, run.key, strict=True)) | {"trained": 1000, "photo": f"{photo:016x}"} | scores
            )
    return pd.DataFrame(rows)


def test_every_experiment_is_run_with_every_seed_and_the_data_stay(study, values):
    runs = list(study.runs(STUDY, values))
    assert [run.name for run in runs] == [
        "ablation-none-0",
        "ablation-full-0",
        "ablation-modified-0",
        "ablation-modified-0-without-prompts",
        "ablation-full-1",
        "ablation-modified-1",
        "ablation-modified-1-without-prompts",
    ]
    assert {run.params.seed for run in runs} == {values["seed"]}
    assert [run.params.training_seed for run in runs] == [0, 0, 0, 0, 1, 1, 1]
    assert len({run.key for run in runs}) == len(runs)


def test_the_study_names_parameters_that_exist_and_its_own_experiments(study, values):
    ours = yaml.safe_load(study.STUDY.read_text(encoding="utf-8"))
    names = {run.experiment for run in study.runs(ours, values)}
    assert {ours["reference"], *ours["without_prompts"]} <= names
    with pytest.raises(ValueError, match=r"train.stepz"):
        list(study.runs(STUDY | {"common": {"train.stepz": 5}}, values))


def test_other_settings_are_another_run_and_what_decides_nothing_is_not(study, values):
    def keys(**changes):
        return [run.key for run in study.runs(STUDY, values | changes)]

    assert keys() == keys(workers={"count": 1}) and not set(keys()) & set(keys(resolution=64))


def test_scores_take_the_place_of_those_with_other_settings(study, table, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "TABLE", tmp_path / "ablation.csv")
    first = table[table["experiment"] == "none"]
    study.keep(first)
    study.keep(table[table["experiment"] == "full"])
    study.keep(first.assign(settings="012345678901", st_lpips=0.0))
    kept = study.known()
    assert len(kept) == 24 and set(kept["experiment"]) == {"none", "full"}
    assert (kept.loc[kept["experiment"] == "none", "st_lpips"] == 0).all()
    assert set(kept.loc[kept["experiment"] == "none", "settings"]) == {"012345678901"}


def test_the_page_has_every_experiment_and_keeps_the_prose(study, table, tmp_path):
    import report

    page = tmp_path / "ablation.md"
    page.write_text(f"before\n{report.BEGIN}\nstale\n{report.END}\nafter\n")
    for _ in range(2):
        report.write_report(table, STUDY, 7, page, tmp_path / "ablation.png")
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("\nafter\n") and "stale" not in text
    assert "6 of 7 runs, seeds 0, 1." in text and text.count("| modified (reference) | 1,000 | 0.2") == 1
    assert "| full | **+0.0" in text, "its interval, photo by photo, is narrower than photos differ"
    assert (tmp_path / "ablation.png").stat().st_size > 10_000


def test_seeds_are_pooled_and_photos_resampled(study, table):
    import report

    rows = table[(table["experiment"] == "modified") & (table["prompts"] == "given")]
    found = report.summary(rows, "st_lpips")
    assert found["mean"] == pytest.approx(np.mean(found["seeds"])) and len(found["seeds"]) == 2
    assert found["low"] < found["mean"] < found["high"]
    assert np.ptp(found["seeds"]) == pytest.approx(0.02, abs=0.01)
    empty = table[(table["experiment"] == "modified") & (table["prompts"] == "empty")]
    more = report.difference(empty, rows, "st_lpips")
    assert more["low"] > 0 and more["high"] - more["low"] < found["high"] - found["low"]


def test_a_study_without_scores_says_so(study, tmp_path):
    import report

    page = tmp_path / "ablation.md"
    page.write_text(f"{report.BEGIN}{report.END}\n")
    report.write_report(study.known().head(0), STUDY, 7, page, tmp_path / "ablation.png")
    assert "0 of 7 runs" in page.read_text() and not (tmp_path / "ablation.png").exists()
