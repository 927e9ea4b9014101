"""One Markdown that says whether this run is better than another one, for a pull request."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from s2i.core.errors import UserError
from s2i.core.files import whole_file
from s2i.evaluation.report import revisions
from s2i.evaluation.report.images import plot_curves, write_mosaic
from s2i.evaluation.report.verdicts import NO_EVIDENCE, TOO_FEW, Verdict, compare, sum_up
from s2i.metrics.kernel_distance import KernelDistance, difference_interval
from s2i.metrics.registry import FID_MIN_IMAGES, HEADLINES, METRICS, SET_METRICS

MARKER = "<!-- s2i report -->"  # by which the workflow finds the comment to update
MAX_CHARACTERS = 65_000  # a GitHub comment takes 65,536, and .ci/comment adds a line
FIGURES, SCORES, MOSAIC = "metrics/evaluate.json", "metrics/evaluate/per_image.csv", "metrics/evaluate/mosaic.png"
INTERVALS, JACKKNIFE = "metrics/evaluate/intervals.csv", "metrics/evaluate/leave_one_out.csv"
BESIDE = {"finetuned": "fine-tuned", "base": "base", "base_edges": "base on edges", "autoencoder": "autoencoder"}
MAX_PARAMS = 40  # rows of the table of changed parameters


def report(against: str, folder: Path, level: float) -> list[Verdict]:
    """Write report.md and its images into ``folder``, and give back the verdicts on the metrics.

    against: what the working folder's metrics are compared with, a Git revision or a DVC experiment.
    level: of the intervals.  Raises UserError when it does not exist, when it or the working folder has no scores, or
    when they have no sketch in common.
    """
    commit = revisions.resolve(against)
    old, new = _finetuned(revisions.read(commit, SCORES), against), _finetuned(_read_here(SCORES), "this folder")
    verdicts = compare(old, new, level)
    if not verdicts:
        raise UserError(f"'{against}' and this run have drawn no sketch in common: there is nothing to compare.")
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        f"{MARKER}\n# {sum_up(verdicts, against, level)}",
        _table(verdicts, len(new.merge(old, on=["id", "sketch_style"])), level),
        _baselines(_json(_read_here(FIGURES)), _read_here(INTERVALS), level),
        _distances(commit, level),
        _params(revisions.changed_params(commit)),
    ]
    if write_mosaic(revisions.read(commit, MOSAIC), _read_here(MOSAIC), old, new, folder / "mosaic.png"):
        parts.append(f"## The same sketches\n\n![sketch, {against}, this run, target](mosaic.png)")
    if plot_curves(commit, folder / "curves.png"):
        parts.append(f"## Training\n\n![losses of {against} and of this run](curves.png)")
    with whole_file(folder / "report.md") as draft:
        draft.write_text(fit(filter(None, parts)), encoding="utf-8")
    return verdicts


def fit(parts: Iterable[str]) -> str:
    """Parts of a Markdown, as many of the first ones as a GitHub comment takes."""
    text, note = "", "\nThe rest is longer than a comment may be.\n"
    for part in parts:
        if len(text) + len(part) + 2 > MAX_CHARACTERS - len(note):
            return text + note
        text += f"{part}\n\n"
    return text


def _read_here(path: str) -> bytes | None:
    return Path(path).read_bytes() if Path(path).exists() else None


def _json(content: bytes | None) -> dict:
    return json.loads(content) if content else {}


def _finetuned(content: bytes | None, name: str) -> pd.DataFrame:
    """Scores of the fine-tuned images."""
    if content is None:
        raise UserError(f"{name} has no {SCORES}: run `dvc repro` there and commit metrics/.")
    table = revisions.table(content, dtype={"id": str})
    if missing := [column for column in ("id", "sketch_style", "model") if column not in table]:
        raise UserError(f"{SCORES} of {name} has no column '{missing[0]}': run `dvc repro` there and commit metrics/.")
    return table[table["model"] == "finetuned"].reset_index(drop=True)


def _table(verdicts: list[Verdict], images: int, level: float) -> str:
    rows = [
        f"| {_title(verdict.metric)} | {verdict.old:.4g} | {verdict.new:.4g} | {_difference(verdict)} "
        f"| {_outcome(verdict)} |"
        for verdict in sorted(verdicts, key=lambda verdict: not verdict.is_headline)
    ]
    return "\n".join(
        [
            f"{images} sketches drawn by both runs.  Bold: headline metrics and verdicts.",
            "",
            f"| metric | old | new | difference, {level:.0%} interval | verdict |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Differences are image by image, verdicts and intervals over photos, by flipping signs; all {len(rows)} "
            "hold at once (max-T).  Of a ratio that is best at 1 the difference is that of the smaller of it and its "
            "reciprocal.  They know of no other seed of the training.",
        ]
    )


def _title(metric: str) -> str:
    name = f"**`{metric}`**" if METRICS[metric].headline else f"`{metric}`"
    return f"{name}, {METRICS[metric].better} is better"


def _difference(verdict: Verdict) -> str:
    ends = {} if verdict.low is None or verdict.high is None else {"low": verdict.low, "high": verdict.high}
    return _interval({"mean": verdict.difference} | ends)


def _outcome(verdict: Verdict) -> str:
    return verdict.outcome if verdict.outcome in (NO_EVIDENCE, TOO_FEW) else f"**{verdict.outcome}**"


def _baselines(figures: Mapping, intervals: bytes | None, level: float) -> str:
    """The headlines of this run beside the untouched net on sketches and on their edges, and what was gained."""
    sets = {name: title for name, title in BESIDE.items() if figures.get(name)}
    if not figures.get("gain") or len(sets) < 2:
        return ""
    table = revisions.table(intervals) if intervals else pd.DataFrame(columns=["set", "metric", "low", "high"])
    gains: dict[Any, dict[Any, float]] = table[table["set"] == "gain"].set_index("metric").to_dict("index")
    rows = []
    for metric in (name for name in HEADLINES if name in figures["gain"]):
        cells = [f"{figures[name][metric]:.4g}" if metric in figures[name] else "" for name in sets]
        gain = _interval(gains.get(metric, {}) | {"mean": figures["gain"][metric]})
        rows.append(f"| {_title(metric)} | {' | '.join(cells)} | {gain} |")
    head = f"| metric | {' | '.join(sets.values())} | gain over the better base, {level:.0%} interval |"
    lines = ["## This run beside its base", "", head, "|---" * (len(sets) + 2) + "|", *rows]
    if "autoencoder" in sets:
        lines += ["", "The autoencoder gives the photos back: the best possible with this base."]
    return "\n".join(lines)


def _distances(commit: str, level: float) -> str:
    """Distances between all generated images and all photos: kernel distances with an interval of the difference."""
    old, new = _json(revisions.read(commit, FIGURES)), _json(_read_here(FIGURES))
    before, after = old.get("finetuned", {}), new.get("finetuned", {})
    names = [name for name in SET_METRICS if isinstance(before.get(name), float | int) and name in after]
    if not names:
        return ""
    kernels = [_kernels(content) for content in (revisions.read(commit, JACKKNIFE), _read_here(JACKKNIFE))]
    rows = []
    for name in names:
        difference = ""
        if all(name in of_run for of_run in kernels):
            difference = _interval(difference_interval(kernels[1][name], kernels[0][name], level))
        rows.append(f"| {_title(name)} | {before[name]:.4g} | {after[name]:.4g} | {difference} |")
    warning = ""
    if new["photos"] < FID_MIN_IMAGES:
        warning = f"  Of {new['photos']:,} photos, below {FID_MIN_IMAGES:,}: Frechet distances are biased."
    head = ["## Distances between all images and all photos", ""]
    head += [f"| metric | old | new | difference, {level:.0%} interval |", "|---|---|---|---|"]
    note = f"No verdict hangs on these.  Intervals by leaving out photo after photo.{warning}"
    return "\n".join([*head, *rows, "", note])


def _kernels(content: bytes | None) -> dict[str, KernelDistance]:
    """The kernel distances of the fine-tuned images, from the table that evaluate writes."""
    if content is None:
        return {}
    table = revisions.table(content, dtype={"without": str})
    kernels = {}
    for metric, rows in table[table["model"] == "finetuned"].groupby("metric"):
        is_whole = rows["without"].isna()
        without = {str(name): float(value) for name, value in rows[~is_whole][["without", "distance"]].to_numpy()}
        kernels[str(metric)] = KernelDistance(float(rows[is_whole]["distance"].iloc[0]), without)
    return kernels


def _interval(figures: Mapping[Any, float]) -> str:
    ends = f" ({figures['low']:+.3g} to {figures['high']:+.3g})" if "low" in figures else ""
    return f"{figures['mean']:+.3g}{ends}"


def _params(changed: Mapping[str, tuple]) -> str:
    if not changed:
        return "## Parameters\n\nNone changed."
    rows = [f"| `{key}` | {old} | {new} |" for key, (old, new) in list(changed.items())[:MAX_PARAMS]]
    more = f"\n\nand {len(changed) - MAX_PARAMS} more." if len(changed) > MAX_PARAMS else ""
    return "\n".join(["## Parameters", "", "| parameter | old | new |", "|---|---|---|", *rows]) + more
