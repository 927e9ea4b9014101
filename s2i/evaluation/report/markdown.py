"""One Markdown that says whether this run is better than another one, for a pull request."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from s2i.core.errors import UserError
from s2i.core.files import whole_file
from s2i.evaluation.report import revisions
from s2i.evaluation.report.images import plot_curves, write_mosaic
from s2i.evaluation.report.verdicts import NO_EVIDENCE, Verdict, compare, sum_up
from s2i.metrics.registry import FID_MIN_IMAGES, METRICS, SET_METRICS

MARKER = "<!-- s2i report -->"  # by which the workflow finds the comment to update
MAX_CHARACTERS = 65_000  # a GitHub comment takes 65,536, and .ci/comment adds a line
FIGURES, SCORES, MOSAIC = "metrics/evaluate.json", "metrics/evaluate/per_image.csv", "metrics/evaluate/mosaic.png"
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
        f"{MARKER}\n# {sum_up(verdicts, against)}",
        _table(verdicts, len(new.merge(old, on=["id", "sketch_style"])), level),
        _distances(_json(revisions.read(commit, FIGURES)), _json(_read_here(FIGURES))),
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
            f"The intervals are bootstrapped over photos, of differences image by image; all {len(rows)} hold at "
            "once (Bonferroni).  They know of no other seed of the training.",
        ]
    )


def _title(metric: str) -> str:
    name = f"**`{metric}`**" if METRICS[metric].headline else f"`{metric}`"
    return f"{name}, {METRICS[metric].better} is better"


def _difference(verdict: Verdict) -> str:
    if verdict.low is None:
        return f"{verdict.difference:+.3g}"
    return f"{verdict.difference:+.3g} ({verdict.low:+.3g} to {verdict.high:+.3g})"


def _outcome(verdict: Verdict) -> str:
    return verdict.outcome if verdict.outcome == NO_EVIDENCE else f"**{verdict.outcome}**"


def _distances(old: Mapping, new: Mapping) -> str:
    """Distances between all generated images and all photos, which have no interval of a difference, so no verdict."""
    before, after = old.get("finetuned", {}), new.get("finetuned", {})
    names = [name for name in SET_METRICS if isinstance(before.get(name), float | int) and name in after]
    if not names:
        return ""
    rows = [f"| {_title(name)} | {before[name]:.4g} | {after[name]:.4g} |" for name in names]
    warning = ""
    if new["photos"] < FID_MIN_IMAGES:
        warning = f"  Of {new['photos']:,} photos, below {FID_MIN_IMAGES:,}: Frechet distances are biased."
    head = ["## Distances between all images and all photos", "", "| metric | old | new |", "|---|---|---|"]
    return "\n".join([*head, *rows, "", f"No verdict hangs on these.{warning}"])


def _params(changed: Mapping[str, tuple]) -> str:
    if not changed:
        return "## Parameters\n\nNone changed."
    rows = [f"| `{key}` | {old} | {new} |" for key, (old, new) in list(changed.items())[:MAX_PARAMS]]
    more = f"\n\nand {len(changed) - MAX_PARAMS} more." if len(changed) > MAX_PARAMS else ""
    return "\n".join(["## Parameters", "", "| parameter | old | new |", "|---|---|---|", *rows]) + more
