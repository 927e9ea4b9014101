"""The runs of an ablation: every experiment with every seed, as DVC experiments whose scores stand in one table.

An experiment is run as the DVC experiment ``ablation-EXPERIMENT-SEED``, in a clone of the last commit that shares this
project's DVC cache.  Its scores, one row a photo, go into docs/ablation.csv; what stands there with the same settings
is not run again.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.files import whole_file
from s2i.core.params import Params
from s2i.core.params_file import merged
from s2i.diffusion import adapters, base
from s2i.diffusion.controlnets import controlnets_of
from s2i.studies.ablation.report import METRICS, write_report

TABLE, PAGE, PLOT = "docs/ablation.csv", "docs/ablation.md", "docs/ablation.png"
KEY = ["experiment", "seed", "prompts", "settings"]
MAY_DIFFER = [":!docs/ablation.*", ":!studies/ablation/experiments.yaml"]  # from the last commit


@dataclass(frozen=True)
class Run:
    """One experiment with one seed; ``changes`` are its settings, by dotted key, over params.yaml."""

    experiment: str
    seed: int
    prompts: str
    changes: Mapping[str, Any]
    params: Params

    @property
    def name(self) -> str:
        return f"ablation-{self.experiment}-{self.seed}" + ("-without-prompts" if self.prompts == "empty" else "")

    @property
    def key(self) -> tuple[str, int, str, str]:
        """The run's values of `KEY`: which run it is, and a fingerprint of what decides its outcome in params.yaml."""
        decisive = self.params.model_dump(exclude_defaults=True, exclude={"workers", "evaluate"})
        return self.experiment, self.seed, self.prompts, cache.fingerprint(decisive)[:12]


def planned_runs(study: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Run]:
    """Every run of a study over the values of a params.yaml; raises ValidationError when a setting does not exist."""
    experiments = {name: changes for group in study["groups"].values() for name, changes in group.items()}
    for seed in study["seeds"]:
        for name, changes in experiments.items():
            for prompts in ["given", "empty"] if name in study["without_prompts"] else ["given"]:
                changed = study["common"] | changes | {"train.seed": seed, "generate.prompts": prompts}
                params = Params.model_validate(merged(values, changed))
                if params.adapter != "none" or seed == study["seeds"][0]:  # without a training seeds change nothing
                    yield Run(name, seed, prompts, changed, params)


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

    def score(self, run: Run) -> pd.DataFrame:
        """Run one experiment, keep it among those of the project, and read the mean scores of every photo."""
        self.run("git", "reset", "--quiet", "--hard", self.head)
        settings = [f"--set-param=++{key}={json.dumps(value)}" for key, value in run.changes.items()]
        self.run("dvc", "exp", "run", "--name", run.name, *settings)
        reference = f"refs/exps/{self.head[:2]}/{self.head[2:]}/{run.name}"
        fetch = ["git", "fetch", "--quiet", str(self.folder), f"+{reference}:{reference}"]
        subprocess.run(fetch, cwd=self.project, check=True)
        scores = pd.read_csv(self.folder / "metrics/evaluate/per_image.csv", dtype={"id": str})
        means = scores[scores["model"] == "finetuned"].groupby("id", as_index=False)[list(METRICS)].mean().round(5)
        key = pd.DataFrame([run.key] * len(means), columns=KEY).assign(trained=trained_parameters(run.params))
        return pd.concat([key, means.rename(columns={"id": "photo"})], axis=1)


def trained_parameters(params: Params) -> int:
    """How many numbers the training changes."""
    controlnets = controlnets_of(base.load_controlnet(*[params.controlnet] * len(params.conditions)))
    adapter = "modified" if params.adapter == "two-step" else params.adapter
    for controlnet in controlnets:
        adapters.inject(controlnet, adapter, params.rank, params.train.alpha, params.train.encoder_blocks)
    parameters = [parameter for controlnet in controlnets for parameter in controlnet.parameters()]
    return sum(parameter.numel() for parameter in parameters if parameter.requires_grad)


def read_scores(file: Path) -> pd.DataFrame:
    """What was scored before, a row a run and photo; no rows where the file is missing."""
    if not file.exists():
        return pd.DataFrame(columns=[*KEY, "trained", "photo", *METRICS])
    return pd.read_csv(file, dtype={"settings": str, "photo": str})


def write_scores(scores: pd.DataFrame, file: Path) -> None:
    """Put the scores of a run into the table, in the place of what it had with other settings."""
    table = read_scores(file)
    of_this_run = np.logical_and.reduce([table[name] == scores[name].iloc[0] for name in KEY[:-1]])
    with whole_file(file) as draft:
        pd.concat([table[~of_this_run], scores]).to_csv(draft, index=False)


def run_study(file: Path, names: Sequence[str], project: Path) -> None:
    """Run what a study lacks, and write docs/ablation.md, between its two comments, and docs/ablation.png.

    file: the study, an experiments.yaml.  names: the experiments to run, all of them where none is named.
    Raises UserError when something is not committed, an experiment does not exist, or some failed.
    """
    if changed := _output(project, "git", "status", "--porcelain", "--untracked-files=no", "--", ".", *MAY_DIFFER):
        raise UserError(f"The ablation runs what is committed; commit or undo first:\n{changed}")
    study = yaml.safe_load(file.read_text(encoding="utf-8"))
    planned = list(planned_runs(study, yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))))
    if unknown := set(names) - {run.experiment for run in planned}:
        raise UserError(f"experiments.yaml has no experiment named {', '.join(unknown)}.")
    failed = _run_missing([run for run in planned if run.experiment in (names or [run.experiment])], project)
    table = read_scores(project / TABLE)
    current = pd.MultiIndex.from_frame(table[KEY]).isin([run.key for run in planned])
    write_report(table[current], study, len(planned), project / PAGE, project / PLOT)
    if failed:
        raise UserError(f"These failed, the others are in {PAGE}: {', '.join(failed)}")


def _run_missing(runs: Sequence[Run], project: Path) -> list[str]:
    """Run and score what the table lacks; the names of the runs that failed."""
    scored = set(read_scores(project / TABLE)[KEY].itertuples(index=False, name=None))
    missing = [run for run in runs if run.key not in scored]
    failed: list[str] = []
    if not missing:
        return failed
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone(Path(folder) / "s2i", project)
        for number, run in enumerate(missing, 1):
            print(f"== {run.name}, {number} of {len(missing)}", flush=True)
            try:
                write_scores(clone.score(run), project / TABLE)
            except subprocess.CalledProcessError:
                failed.append(run.name)
    return failed


def _output(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
