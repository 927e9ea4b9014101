"""Which runs an ablation is made of: sweeps of rates on validation photos, then every experiment with every seed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.core.params_file import merged

SWEEP, LIKE = "sweep", "like"  # keys of an experiment that are no settings


@dataclass(frozen=True)
class Run:
    """One experiment with one seed; ``changes`` are its settings, by dotted key, over params.yaml.

    rate: in a sweep, the value that is tried; such a run is validated, the others are scored on the test photos.
    """

    experiment: str
    seed: int
    prompts: str
    changes: Mapping[str, Any]
    params: Params
    rate: float | None = None

    @property
    def name(self) -> str:
        if self.rate is not None:
            return f"ablation-{self.experiment}-rate-{self.rate:g}"
        return f"ablation-{self.experiment}-{self.seed}" + ("-without-prompts" if self.prompts == "empty" else "")

    @property
    def settings(self) -> str:
        """A fingerprint of what decides the outcome in params.yaml."""
        return cache.fingerprint(self.params.model_dump(exclude_defaults=True, exclude={"workers", "evaluate"}))[:12]

    @property
    def key(self) -> tuple[str, int, str, str]:
        """Which run of the table of scores it is: experiment, seed, prompts, settings."""
        return self.experiment, self.seed, self.prompts, self.settings


def experiments_of(study: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """{experiment: its settings}, of all groups."""
    return {name: dict(changes) for group in study["groups"].values() for name, changes in group.items()}


def sweep_runs(study: Mapping[str, Any], values: Mapping[str, Any]) -> Iterator[Run]:
    """A run for each rate of each experiment that names a sweep, with the first seed.

    values: of a params.yaml.  Raises ValidationError when a setting does not exist.
    """
    seed = study["seeds"][0]
    for name, changes in experiments_of(study).items():
        if sweep := changes.get(SWEEP):
            key, rates = study["sweeps"][sweep]["key"], study["sweeps"][sweep]["values"]
            for rate in rates:
                changed = _settings(study, changes) | {key: rate, "train.seed": seed}
                yield Run(name, seed, "given", changed, Params.model_validate(merged(values, changed)), rate)


def planned_runs(
    study: Mapping[str, Any], values: Mapping[str, Any], rates: Mapping[str, float] | None = None
) -> Iterator[Run]:
    """Every run of a study that is scored on the test photos.

    rates: what the sweeps have chosen, by experiment; those without a choice are left out, or with None, as in an
    estimate, take the first value.  Raises ValidationError when a setting does not exist.
    """
    experiments = experiments_of(study)
    for seed in study["seeds"]:
        for name, changes in experiments.items():
            chosen = _chosen_rate(name, experiments, study, rates)
            if chosen is None:
                continue
            for prompts in ["given", "empty"] if name in study["without_prompts"] else ["given"]:
                changed = _settings(study, changes) | chosen | {"train.seed": seed, "generate.prompts": prompts}
                params = Params.model_validate(merged(values, changed))
                trains = params.adapter != "none" or params.train.unet_rank > 0
                if trains or seed == study["seeds"][0]:  # without a training seeds change nothing
                    yield Run(name, seed, prompts, changed, params)


def estimated_hours(study: Mapping[str, Any], values: Mapping[str, Any]) -> float:
    """How long a study takes on two cores, by the seconds that it names."""
    seconds, total = study["seconds"], 0.0
    for run in [*sweep_runs(study, values), *planned_runs(study, values)]:
        train = run.params.train
        steps = train.steps if run.params.adapter != "none" or train.unet_rank else 0
        edges = steps * (1 - train.edge.after) / train.edge.every if train.edge.weight else 0
        total += steps * seconds["step"] + edges * seconds["edge"] + seconds["validation"]
        total += seconds["stages"] if run.rate is None else seconds["stages"] / 3
    return total / 3600


def _settings(study: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    own = {key: value for key, value in changes.items() if key not in (SWEEP, LIKE)}
    return dict(study["common"]) | own


def _chosen_rate(
    name: str,
    experiments: Mapping[str, Mapping[str, Any]],
    study: Mapping[str, Any],
    rates: Mapping[str, float] | None,
) -> dict[str, float] | None:
    """{key: rate} of an experiment, {} where it sweeps none; None where its sweep has not chosen yet."""
    like = experiments[name].get(LIKE, name)
    if like not in experiments or (like != name and SWEEP not in experiments[like]):
        raise UserError(f"experiments.yaml: '{name}' is to be like '{like}', which is no experiment with a sweep.")
    sweep = experiments[like].get(SWEEP)
    if not sweep:
        return {}
    key, values = study["sweeps"][sweep]["key"], study["sweeps"][sweep]["values"]
    if rates is None:
        return {key: values[0]}
    return {key: rates[like]} if like in rates else None
