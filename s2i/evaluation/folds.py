"""The scores of a k-fold cross-validation: every photo as it was drawn by the model that had not seen it.

A fold is a DVC experiment with its own ``ingest.fold``; each photo is held out in one of them.  Intervals are over
photos.  The models of two folds share most of their photos, which intervals over photos do not know (Bengio and
Grandvalet 2004, "No unbiased estimator of the variance of k-fold cross-validation").
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import yaml

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.evaluation import summary
from s2i.evaluation.report import revisions

GAIN = "gain over "
SCORES = "metrics/evaluate/per_image.csv"
COMMAND = "dvc exp run --queue -S ingest.folds=5 -S 'ingest.fold=range(5)' && dvc queue start"


def pooled_scores() -> pd.DataFrame:
    """The scores of every image that the folds of the last commit drew, with the column ``fold``.

    Where the folds were run with several settings, those of the newest experiment are taken.
    Raises UserError where a fold is missing, or was not scored.
    """
    found: dict[str, dict[int, str]] = {}  # by the parameters that folds share, the newest first
    counts: dict[str, int] = {}
    for commit in revisions.experiments_of("HEAD"):
        values = yaml.safe_load(revisions.read(commit, "params.yaml") or b"") or {}
        ingest = values.get("ingest") or {}
        if ingest.get("folds"):
            key = cache.fingerprint(values | {"ingest": {**ingest, "fold": None}})
            found.setdefault(key, {}).setdefault(ingest.get("fold", 0), commit)
            counts[key] = ingest["folds"]
    if not found:
        raise UserError(f"no experiment of the last commit is a fold: run `{COMMAND}` first.")
    key, commits = next(iter(found.items()))
    if missing := [str(fold) for fold in range(counts[key]) if fold not in commits]:
        raise UserError(f"of {counts[key]} folds {', '.join(missing)} were not run: see `dvc queue status`.")
    return pd.concat([_scores(commit).assign(fold=fold) for fold, commit in sorted(commits.items())])


def figures(table: pd.DataFrame, level: float) -> dict[str, Any]:
    """{set: {metric: {"mean", "low", "high"}}} over all photos, and "gain over SET" for each baseline, image by image.

    table: of `pooled_scores`.
    """
    sets = {str(name): rows for name, rows in table.groupby("model", sort=False)}
    baselines = {name: rows for name, rows in sets.items() if name.startswith("base")}
    gains = {f"{GAIN}{name}": summary.differences(sets["finetuned"], rows, level) for name, rows in baselines.items()}
    return {name: summary.means(rows, level) for name, rows in sets.items()} | gains


def markdown(found: Mapping[str, Any], table: pd.DataFrame, level: float, metrics: Sequence[str]) -> str:
    """The figures of some metrics as a table in Markdown, under a sentence that says what they are of."""
    photos, folds = table["id"].nunique(), table["fold"].nunique()
    sets = [name for name in found if name.startswith(("finetuned", "base", GAIN))]
    lines = [
        f"{photos} photos, each drawn by the one of {folds} models that was not trained with it; in brackets "
        f"{level:.0%} intervals over photos.",
        "",
        f"| metric | {' | '.join(sets)} |",
        "|---" * (len(sets) + 1) + "|",
    ]
    for metric in metrics:
        if all(metric in found[name] for name in sets):
            lines.append(f"| `{metric}` | {' | '.join(_cell(found[name][metric]) for name in sets)} |")
    return "\n".join(lines) + "\n"


def _cell(interval: Mapping[str, float]) -> str:
    return f"{interval['mean']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"


def _scores(commit: str) -> pd.DataFrame:
    content = revisions.read(commit, SCORES)
    if content is None:
        raise UserError(f"the experiment {commit[:7]} has no {SCORES}: run its fold again.")
    return revisions.table(content, dtype={"id": str})
