"""Whether one run is better than another: paired differences of their scores, photo by photo."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from s2i.evaluation.summary import group_of, paired
from s2i.metrics.registry import IMAGE_METRICS, METRICS, compared, improvement
from s2i.metrics.sign_flips import min_photos, sign_flip_test

NO_EVIDENCE, TOO_FEW = "no evidence", "too few photos"


@dataclass(frozen=True)
class Verdict:
    """A metric in two runs, and what its difference, new less old, says.

    Of a ratio that is best at 1 the difference is that of `registry.compared`.
    """

    metric: str
    old: float
    new: float
    difference: float
    low: float | None  # of the interval, None where there is none
    high: float | None
    is_decidable: bool = True  # whether so many photos could tell anything at all

    @property
    def outcome(self) -> str:
        """better, worse, no evidence or too few photos."""
        if not self.is_decidable:
            return TOO_FEW
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return NO_EVIDENCE
        return "better" if self.difference * improvement(self.metric) > 0 else "worse"

    @property
    def is_headline(self) -> bool:
        return METRICS[self.metric].headline


def compare(old: pd.DataFrame, new: pd.DataFrame, level: float) -> list[Verdict]:
    """A verdict on every metric of single images that both runs have.

    old, new: a row an image, with `id` of its photo, `sketch_style` and the metrics, and maybe `group`, what belongs
    together with the photo; only sketches that both have drawn are compared.
    The verdicts hold all at once at that level: where the runs are equally good, any of them is better or worse with
    a probability of at most 1 - level; see `sign_flip_test`.
    """
    pairs = paired(new, old)
    names = [name for name in IMAGE_METRICS if name in old and name in new and _differences(pairs, name).notna().any()]
    if not names:
        return []
    differences = pd.DataFrame({name: _differences(pairs, name) for name in names})
    by_group = differences.groupby(group_of(pairs).to_numpy())
    test = sign_flip_test(by_group.sum().to_numpy(), by_group.count().to_numpy(), level)
    verdicts = []
    for number, name in enumerate(names):
        known = pairs.loc[differences[name].notna(), [name, f"{name}_other"]]
        ends = [None if np.isnan(end) else float(end) for end in (test.low[number], test.high[number])]
        mean, is_decidable = float(test.mean[number]), bool(test.is_decidable[number])
        verdicts.append(
            Verdict(name, known[f"{name}_other"].mean(), known[name].mean(), mean, ends[0], ends[1], is_decidable)
        )
    return verdicts


def _differences(pairs: pd.DataFrame, name: str) -> pd.Series:
    """New less old, image by image; NaN where one of them is not known or infinite."""
    difference = compared(name, pairs[name]) - compared(name, pairs[f"{name}_other"])
    return difference.replace([np.inf, -np.inf], np.nan)


def sum_up(verdicts: list[Verdict], against: str, level: float) -> str:
    """A sentence: what the headline metrics say of a run against another."""
    headlines = [verdict for verdict in verdicts if verdict.is_headline]
    parts = []
    for outcome in ("better", "worse"):
        metrics = [f"`{verdict.metric}`" for verdict in headlines if verdict.outcome == outcome]
        if metrics:
            parts.append(f"{outcome} by {', '.join(metrics)}")
    if parts:
        sentence = " and ".join(parts)
        return f"{sentence[0].upper()}{sentence[1:]} than {against}"
    if headlines and all(verdict.outcome == TOO_FEW for verdict in headlines):
        return (
            f"Too few photos to tell this run from {against}: a verdict at {level:.0%} takes at least "
            f"{min_photos(level)} that both have drawn"
        )
    return f"No evidence of a difference to {against}"
