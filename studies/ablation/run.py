"""What the choices of a training are worth: python studies/ablation/run.py [EXPERIMENT ...]

Every experiment of experiments.yaml is run with every seed, as the DVC experiment ``ablation-EXPERIMENT-SEED``, in a
clone of the last commit that shares this project's DVC cache.  Its scores, one row a photo, go into docs/ablation.csv;
what stands there with the same settings is not run again.  From them docs/ablation.md, between its two comments, and
docs/ablation.png are made.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from report import METRICS, write_report

from s2i.core import cache
from s2i.core.files import whole_file
from s2i.core.params import Params
from s2i.core.params_file import merged
from s2i.diffusion import adapters, base
from s2i.diffusion.controlnets import controlnets_of

PROJECT = Path(__file__).parents[2]
STUDY = Path(__file__).with_name("experiments.yaml")
TABLE = PROJECT / "docs/ablation.csv"
KEY = ["experiment", "seed", "prompts", "settings"]
OURS = [":!docs/ablation.*", ":!studies/ablation/experiments.yaml"]  # what may differ from the commit


@dataclass(frozen=True)
class Run:
    """One experiment with one seed; ``changes`` are its settings, by dotted key, over params.yaml."""

    experiment: str
    seed: int
    prompts: str
    changes: Mapping
    params: Params

    @property
    def name(self) -> str:
        return f"ablation-{self.experiment}-{self.seed}" + ("-without-prompts" if self.prompts == "empty" else "")

    @property
    def key(self) -> tuple:
        """What identifies it in the table: whose it is, and what decides its outcome beside code and photos."""
        decisive = self.params.model_dump(exclude_defaults=True, exclude={"workers", "evaluate"})
        return self.experiment, self.seed, self.prompts, cache.fingerprint(decisive)[:12]


def runs(study: Mapping, values: Mapping) -> Iterator[Run]:
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
    """The last commit in a folder of its own, with this project's DVC cache; experiments run there, one by one."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.head = _output("git", "rev-parse", "HEAD")
        subprocess.run(["git", "clone", "--quiet", PROJECT, folder], check=True)
        self.run("git", "checkout", "--quiet", "--detach", self.head)
        self.run("dvc", "cache", "dir", "--quiet", "--local", PROJECT / _output("dvc", "cache", "dir"))

    def run(self, *command) -> None:
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        subprocess.run(command, cwd=self.folder, env=environment, check=True)

    def score(self, run: Run) -> pd.DataFrame:
        """Run one experiment, keep it among those of this project, and read the mean scores of every photo."""
        self.run("git", "reset", "--quiet", "--hard", self.head)
        settings = [f"--set-param=++{key}={json.dumps(value)}" for key, value in run.changes.items()]
        self.run("dvc", "exp", "run", "--name", run.name, *settings)
        experiment = f"refs/exps/{self.head[:2]}/{self.head[2:]}/{run.name}"
        subprocess.run(["git", "fetch", "--quiet", self.folder, f"+{experiment}:{experiment}"], cwd=PROJECT, check=True)
        scores = pd.read_csv(self.folder / "metrics/evaluate/per_image.csv", dtype={"id": str})
        means = scores[scores["model"] == "finetuned"].groupby("id", as_index=False)[list(METRICS)].mean().round(5)
        named = pd.DataFrame([run.key] * len(means), columns=KEY).assign(trained=trained_parameters(run.params))
        return pd.concat([named, means.rename(columns={"id": "photo"})], axis=1)


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.strip()


def trained_parameters(params: Params) -> int:
    """How many numbers the training changes."""
    controlnets = controlnets_of(base.load_controlnet(*[params.controlnet] * len(params.conditions)))
    adapter = "modified" if params.adapter == "two-step" else params.adapter
    for net in controlnets:
        adapters.inject(net, adapter, params.rank, params.train.alpha, params.train.encoder_blocks)
    return sum(one.numel() for net in controlnets for one in net.parameters() if one.requires_grad)


def known() -> pd.DataFrame:
    """What was scored before."""
    if not TABLE.exists():
        return pd.DataFrame(columns=[*KEY, "trained", "photo", *METRICS])
    return pd.read_csv(TABLE, dtype={"settings": str, "photo": str})


def keep(scores: pd.DataFrame) -> None:
    """Put the scores of a run into the table, in the place of what it had with other settings."""
    table = known()
    same = [(table[name] == scores[name].iloc[0]) for name in KEY[:-1]]
    with whole_file(TABLE) as draft:
        pd.concat([table[~np.logical_and.reduce(same)], scores]).to_csv(draft, index=False)


def main(chosen: list[str]) -> None:
    os.chdir(PROJECT)
    if changed := _output("git", "status", "--porcelain", "--untracked-files=no", "--", ".", *OURS):
        sys.exit(f"The ablation runs what is committed; commit or undo first:\n{changed}")
    study = yaml.safe_load(STUDY.read_text())
    planned = list(runs(study, yaml.safe_load(Path("params.yaml").read_text())))
    if unknown := set(chosen) - {run.experiment for run in planned}:
        sys.exit(f"experiments.yaml has no experiment named {', '.join(unknown)}.")
    done = set(known()[KEY].itertuples(index=False, name=None))
    missing = [run for run in planned if run.key not in done and run.experiment in (chosen or [run.experiment])]
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        clone = Clone(Path(folder) / "s2i") if missing else None
        for number, run in enumerate(missing, 1):
            print(f"== {run.name}, {number} of {len(missing)}", flush=True)
            try:
                keep(clone.score(run))
            except subprocess.CalledProcessError:
                failed.append(run.name)
    table = known()
    current = pd.MultiIndex.from_frame(table[KEY]).isin([run.key for run in planned])
    write_report(table[current], study, len(planned), PROJECT / "docs/ablation.md", PROJECT / "docs/ablation.png")
    if failed:
        sys.exit(f"These failed, the others are in docs/ablation.md: {', '.join(failed)}")


if __name__ == "__main__":
    main(sys.argv[1:])
