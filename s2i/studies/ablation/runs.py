"""An ablation carried out: its runs as DVC experiments, whose scores stand in two tables.

A run is the DVC experiment ``ablation-EXPERIMENT-SEED``, or ``ablation-EXPERIMENT-rate-RATE`` of a sweep, in a clone of
the last commit that shares this project's DVC cache.  What drawn validation sketches say of a rate goes into
docs/ablation-sweep.csv, what each test photo scores into docs/ablation.csv.  What stands there with the same settings
is not run again.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2i.core import run_card
from s2i.core.errors import UserError
from s2i.core.files import whole_file
from s2i.core.params import Params
from s2i.core.user_files import read_yaml
from s2i.diffusion import adapters, base
from s2i.diffusion.controlnets import controlnets_of
from s2i.studies.ablation.plan import Run, estimated_hours, planned_runs, sweep_runs
from s2i.studies.ablation.report import METRICS, write_report

TABLE, SWEEPS, PAGE, PLOT = "docs/ablation.csv", "docs/ablation-sweep.csv", "docs/ablation.md", "docs/ablation.png"
KEY = ["experiment", "seed", "prompts", "settings"]
SWEEP_COLUMNS = ["experiment", "rate", "settings", "validation_error", "seconds"]
MAY_DIFFER = [":!docs/ablation*", ":!studies/ablation/experiments.yaml"]  # from the last commit
MOST_HOURS = 8.0


class Clone:
    """The last commit of a project in a folder of its own, with the project's DVC cache; experiments run there."""

    def __init__(self, folder: Path, project: Path):
        self.folder, self.project = folder, project
        self.head = _output(project, "git", "rev-parse", "HEAD")
        subprocess.run(["git", "clone", "--quiet", project, folder], check=True)
        self.run("git", "checkout", "--quiet", "--detach", self.head)
        self.run("dvc", "cache", "dir", "--quiet", "--local", str(project / _output(project, "dvc", "cache", "dir")))

    def run(self, *command: str) -> None:
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        subprocess.run(command, cwd=self.folder, env=environment, check=True)

    def experiment(self, run: Run, *targets: str) -> None:
        """Run an experiment, up to some stages or whole, and keep it among those of the project."""
        self.run("git", "reset", "--quiet", "--hard", self.head)
        settings = [f"--set-param=++{key}={json.dumps(value)}" for key, value in run.changes.items()]
        self.run("dvc", "exp", "run", "--name", run.name, *settings, *targets)
        reference = f"refs/exps/{self.head[:2]}/{self.head[2:]}/{run.name}"
        fetch = ["git", "fetch", "--quiet", str(self.folder), f"+{reference}:{reference}"]
        subprocess.run(fetch, cwd=self.project, check=True)

    def validate(self, run: Run) -> pd.DataFrame:
        """Train, and give the one row of what drawn validation sketches say: SWEEP_COLUMNS."""
        self.experiment(run, "train")
        errors = pd.read_csv(self.folder / "metrics/train/plots/metrics/validation_error.tsv", sep="\t")
        row = [run.experiment, run.rate, run.settings, errors["validation_error"].min(), self._training_seconds()]
        return pd.DataFrame([row], columns=SWEEP_COLUMNS)

    def score(self, run: Run) -> pd.DataFrame:
        """Train, draw and score the test sketches, and give the mean scores of every photo."""
        self.experiment(run)
        scores = pd.read_csv(self.folder / "metrics/evaluate/per_image.csv", dtype={"id": str})
        known = [name for name in METRICS if name in scores]
        means = scores[scores["model"] == "finetuned"].groupby("id", as_index=False)[known].mean().round(5)
        key = pd.DataFrame([run.key] * len(means), columns=KEY)
        key = key.assign(trained=trained_parameters(run.params), seconds=self._training_seconds())
        return pd.concat([key, means.rename(columns={"id": "photo"})], axis=1)

    def _training_seconds(self) -> float:
        """How long the training of the last experiment took, when it last ran."""
        card = json.loads((self.folder / run_card.FILE).read_text(encoding="utf-8"))
        return float(card["stages"]["train"]["seconds"])


def trained_parameters(params: Params) -> int:
    """How many numbers the training changes."""
    controlnets = controlnets_of(base.load_controlnet(*[params.controlnet] * len(params.conditions)))
    adapter = "modified" if params.adapter == "two-step" else params.adapter
    for controlnet in controlnets:
        adapters.inject(controlnet, adapter, params.rank, params.train.alpha, params.train.encoder_blocks)
    models = [*controlnets]
    if params.train.unet_rank:
        unet = base.load(params.base, None).unet
        adapters.inject(unet, "lora", params.train.unet_rank)
        models.append(unet)
    parameters = [parameter for model in models for parameter in model.parameters()]
    return sum(parameter.numel() for parameter in parameters if parameter.requires_grad)


def read_scores(file: Path) -> pd.DataFrame:
    """What was scored before, a row a run and photo; no rows where the file is missing."""
    if not file.exists():
        return pd.DataFrame(columns=[*KEY, "trained", "seconds", "photo", *METRICS])
    return pd.read_csv(file, dtype={"settings": str, "photo": str})


def write_scores(scores: pd.DataFrame, file: Path) -> None:
    """Put the scores of a run into the table, in the place of what it had with other settings."""
    table = read_scores(file)
    of_this_run = np.logical_and.reduce([table[name] == scores[name].iloc[0] for name in KEY[:-1]])
    with whole_file(file) as draft:
        pd.concat([table[~of_this_run], scores]).to_csv(draft, index=False)


def read_sweep(file: Path) -> pd.DataFrame:
    """What was validated before, a row a run; no rows where the file is missing."""
    return pd.read_csv(file, dtype={"settings": str}) if file.exists() else pd.DataFrame(columns=SWEEP_COLUMNS)


def write_sweep(row: pd.DataFrame, file: Path) -> None:
    """Put what a run of a sweep was validated with into the table, in the place of what it had with other settings."""
    table = read_sweep(file)
    of_this_run = (table["experiment"] == row["experiment"].iloc[0]) & (table["rate"] == row["rate"].iloc[0])
    with whole_file(file) as draft:
        pd.concat([table[~of_this_run], row]).to_csv(draft, index=False)


def chosen_rates(table: pd.DataFrame, runs: Sequence[Run]) -> dict[str, float]:
    """{experiment: the rate whose drawn validation sketches are best}, of the experiments all of whose rates are there.

    table: of `read_sweep`.
    """
    errors = table.set_index(["experiment", "rate", "settings"])["validation_error"].to_dict()
    found: dict[str, dict[float, float]] = {}
    counts: dict[str, int] = {}
    for run in runs:
        assert run.rate is not None
        counts[run.experiment] = counts.get(run.experiment, 0) + 1
        if (key := (run.experiment, run.rate, run.settings)) in errors:
            found.setdefault(run.experiment, {})[run.rate] = errors[key]
    return {
        name: min(of_rate, key=lambda rate: of_rate[rate])
        for name, of_rate in found.items()
        if len(of_rate) == counts[name]
    }


def run_study(file: Path, names: Sequence[str], project: Path) -> None:
    """Run what a study lacks, and write docs/ablation.md, between its two comments, and docs/ablation.png.

    file: the study, an experiments.yaml.  names: the experiments to run, all of them where none is named.
    Raises UserError when something is not committed, an experiment does not exist, the study would take too long, or
    some runs failed.
    """
    if changed := _output(project, "git", "status", "--porcelain", "--untracked-files=no", "--", ".", *MAY_DIFFER):
        raise UserError(f"The ablation runs what is committed; commit or undo first:\n{changed}")
    study = read_yaml(file)
    values = read_yaml(project / "params.yaml")
    sweeps = list(sweep_runs(study, values))
    everything = list(planned_runs(study, values))
    if unknown := set(names) - {run.experiment for run in [*sweeps, *everything]}:
        raise UserError(f"experiments.yaml has no experiment named {', '.join(unknown)}.")
    if (hours := estimated_hours(study, values)) > MOST_HOURS:
        raise UserError(f"experiments.yaml would take {hours:.1f} hours, more than {MOST_HOURS:g}: leave some out.")
    print(f"{len(sweeps)} runs of sweeps, {len(everything)} others: about {hours:.1f} hours on two cores in all")
    failed = run_missing(study, values, names, project)
    planned = list(planned_runs(study, values, chosen_rates(read_sweep(project / SWEEPS), sweeps)))
    table = read_scores(project / TABLE)
    current = pd.MultiIndex.from_frame(table[KEY]).isin([run.key for run in planned])
    write_report(table[current], study, len(everything), project / PAGE, project / PLOT)
    if failed:
        raise UserError(f"These failed, the others are in {PAGE}: {', '.join(failed)}")


def run_missing(study: Mapping[str, Any], values: Mapping[str, Any], names: Sequence[str], project: Path) -> list[str]:
    """Run what the tables lack, sweeps first; the names of the runs that failed."""

    def chosen(runs: Sequence[Run]) -> list[Run]:
        return [run for run in runs if run.experiment in (names or [run.experiment])]

    with tempfile.TemporaryDirectory() as folder:
        clone = Clone(Path(folder) / "s2i", project)
        sweeps = list(sweep_runs(study, values))
        table = read_sweep(project / SWEEPS)[["experiment", "rate", "settings"]]
        validated = set(table.itertuples(index=False, name=None))
        missing = [run for run in chosen(sweeps) if (run.experiment, run.rate, run.settings) not in validated]
        failed = _run_each(missing, lambda run: write_sweep(clone.validate(run), project / SWEEPS))
        planned = list(planned_runs(study, values, chosen_rates(read_sweep(project / SWEEPS), sweeps)))
        scored = set(read_scores(project / TABLE)[KEY].itertuples(index=False, name=None))
        missing = [run for run in chosen(planned) if run.key not in scored]
        return failed + _run_each(missing, lambda run: write_scores(clone.score(run), project / TABLE))


def _run_each(runs: Sequence[Run], carry_out: Callable[[Run], None]) -> list[str]:
    """Carry runs out, one after the other; the names of those that failed."""
    failed = []
    for number, run in enumerate(runs, 1):
        print(f"== {run.name}, {number} of {len(runs)}", flush=True)
        try:
            carry_out(run)
        except subprocess.CalledProcessError:
            failed.append(run.name)
    return failed


def _output(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
