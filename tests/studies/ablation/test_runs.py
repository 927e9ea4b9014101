"""What an ablation runs, and what stands in its table."""

from pathlib import Path

import pytest
import yaml

from s2i.studies.ablation import runs

PROJECT = Path(__file__).parents[3]


def test_every_experiment_is_run_with_every_seed_and_the_data_stay(study, values):
    planned = list(runs.planned_runs(study, values))
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


def test_the_study_names_parameters_that_exist_and_its_own_experiments(study, values):
    ours = yaml.safe_load((PROJECT / "studies/ablation/experiments.yaml").read_text(encoding="utf-8"))
    names = {run.experiment for run in runs.planned_runs(ours, values)}
    assert {ours["reference"], *ours["without_prompts"]} <= names
    with pytest.raises(ValueError, match=r"train.stepz"):
        list(runs.planned_runs(study | {"common": {"train.stepz": 5}}, values))


def test_other_settings_are_another_run_and_what_decides_nothing_is_not(study, values):
    def keys(**changes):
        return [run.key for run in runs.planned_runs(study, values | changes)]

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
