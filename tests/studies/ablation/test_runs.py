"""What stands in the tables of an ablation, and which runs they lack."""

import pandas as pd
import pytest

from s2i.studies.ablation import runs
from s2i.studies.ablation.plan import planned_runs, sweep_runs


def test_scores_take_the_place_of_those_with_other_settings(table, tmp_path):
    file = tmp_path / "ablation.csv"
    first = table[table["experiment"] == "none"]
    runs.write_scores(first, file)
    runs.write_scores(table[table["experiment"] == "full"], file)
    runs.write_scores(first.assign(settings="012345678901", lpips=0.0), file)
    scores = runs.read_scores(file)
    assert len(scores) == 24 and set(scores["experiment"]) == {"none", "full"}
    assert (scores.loc[scores["experiment"] == "none", "lpips"] == 0).all()
    assert set(scores.loc[scores["experiment"] == "none", "settings"]) == {"012345678901"}


@pytest.fixture
def carried_out(monkeypatch, table):
    """The names of the runs that a clone was asked for, whose figures stand for those of a training."""
    names = []

    class Clone:
        def __init__(self, folder, project):
            pass

        def validate(self, run):
            names.append(run.name)
            error = {1e-4: 0.3, 1e-3: 0.2, 1e-2: 0.25}[run.rate]
            row = [run.experiment, run.rate, run.settings, error, 9.0]
            return pd.DataFrame([row], columns=runs.SWEEP_COLUMNS)

        def score(self, run):
            names.append(run.name)
            same = table[(table["experiment"] == run.experiment) & (table["prompts"] == run.prompts)].iloc[:12]
            return same.assign(**dict(zip(runs.KEY, run.key, strict=True)))

    monkeypatch.setattr(runs, "Clone", Clone)
    return names


def test_sweeps_come_first_the_best_rate_is_taken_and_nothing_is_run_twice(carried_out, study, values, tmp_path):
    (tmp_path / "docs").mkdir()
    assert runs.run_missing(study, values, [], tmp_path) == []
    rates = ("full-rate-0.0001", "full-rate-0.001", "modified-rate-0.001", "modified-rate-0.01")
    assert carried_out[:4] == [f"ablation-{name}" for name in rates] and len(carried_out) == 4 + 9
    chosen = runs.chosen_rates(runs.read_sweep(tmp_path / runs.SWEEPS), list(sweep_runs(study, values)))
    assert chosen == {"full": 1e-3, "modified": 1e-3}
    keys = {run.key for run in planned_runs(study, values, chosen)}
    scores = runs.read_scores(tmp_path / runs.TABLE)
    assert set(scores[runs.KEY].itertuples(index=False, name=None)) == keys
    carried_out.clear()
    runs.run_missing(study, values, [], tmp_path)
    assert carried_out == []
    (tmp_path / runs.TABLE).unlink()
    runs.run_missing(study, values, ["white"], tmp_path)
    assert carried_out == ["ablation-white-0", "ablation-white-1"]
