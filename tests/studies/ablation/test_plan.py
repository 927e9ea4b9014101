"""What an ablation runs."""

from pathlib import Path

import pytest
import yaml

from s2i.core.errors import UserError
from s2i.studies.ablation.plan import estimated_hours, planned_runs, sweep_runs

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def ours():
    return yaml.safe_load((PROJECT / "studies/ablation/experiments.yaml").read_text(encoding="utf-8"))


def test_every_experiment_is_run_with_every_seed_and_the_data_stay(study, values):
    planned = list(planned_runs(study, values))
    assert [run.name for run in planned] == [
        "ablation-none-0",
        "ablation-full-0",
        "ablation-modified-0",
        "ablation-modified-0-without-prompts",
        "ablation-white-0",
        "ablation-full-1",
        "ablation-modified-1",
        "ablation-modified-1-without-prompts",
        "ablation-white-1",
    ]
    assert {run.params.seed for run in planned} == {values["seed"]}
    assert [run.params.training_seed for run in planned] == [0, 0, 0, 0, 0, 1, 1, 1, 1]
    assert len({run.key for run in planned}) == len(planned)


def test_a_sweep_tries_each_rate_with_one_seed(study, values):
    sweeps = list(sweep_runs(study, values))
    assert [(run.experiment, run.rate, run.seed) for run in sweeps] == [
        ("full", 1e-4, 0),
        ("full", 1e-3, 0),
        ("modified", 1e-3, 0),
        ("modified", 1e-2, 0),
    ]
    assert [run.params.train.learning_rate for run in sweeps[:2]] == [1e-4, 1e-3]
    assert [run.params.train.adapter_learning_rate for run in sweeps[2:]] == [1e-3, 1e-2]
    assert sweeps[3].name == "ablation-modified-rate-0.01"


def test_the_rate_that_was_chosen_is_that_of_all_seeds_and_of_what_is_like_it(study, values):
    planned = list(planned_runs(study, values, {"modified": 1e-2}))
    assert {run.experiment for run in planned} == {"none", "modified", "white"}, "the sweep of full has not chosen"
    rates = {run.params.train.adapter_learning_rate for run in planned if run.experiment != "none"}
    assert rates == {1e-2}


def test_our_study_names_parameters_that_exist_its_own_experiments_and_takes_eight_hours_at_most(ours, study, values):
    planned = list(planned_runs(ours, values))
    names = {run.experiment for run in planned}
    assert {ours["reference"], *ours["without_prompts"], *ours["of_the_building"]} <= names
    assert len(ours["seeds"]) == 5 and 4 < estimated_hours(ours, values) <= 8
    with pytest.raises(ValueError, match=r"train.stepz"):
        list(planned_runs(study | {"common": {"train.stepz": 5}}, values))
    study["groups"]["whole"]["odd"] = {"like": "none", "adapter": "full"}
    with pytest.raises(UserError, match="'odd' is to be like 'none', which is no experiment with a sweep"):
        list(planned_runs(study, values))


def test_our_study_lets_all_adapters_choose_from_the_same_rates_of_dw(ours, values):
    rates = {}
    for run in sweep_runs(ours, values):
        if run.params.adapter in ("lora", "modified", "two-step"):
            rates.setdefault(run.experiment, []).append(run.params.train.adapter_learning_rate)
    assert len(rates) >= 6 and len(set(map(tuple, rates.values()))) == 1
    assert {run.params.train.learning_rate for run in sweep_runs(ours, values) if run.experiment in rates} == {3e-4}


def test_our_study_tries_the_edge_loss_as_strong_as_it_was_proposed_on_a_model_that_draws(ours, values):
    runs = {run.experiment: run.params.train for run in planned_runs(ours, values) if run.seed == 0}
    edge = runs["long-edge-lpips"].edge
    assert (edge.weight, edge.windows, edge.every, edge.after, edge.distance) == (1.0, 0.1, 1, 0.5, "lpips")
    without = runs["long"]
    assert without.steps == runs["long-edge-lpips"].steps >= 1000 and without.edge.weight == 0


def test_other_settings_are_another_run_and_what_decides_nothing_is_not(study, values):
    def keys(**changes):
        return [run.key for run in planned_runs(study, values | changes)]

    assert keys() == keys(workers={"count": 1}) and not set(keys()) & set(keys(resolution=64))
