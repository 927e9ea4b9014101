"""Whether one run is better than another: paired differences of their scores, photo by photo."""

from dataclasses import dataclass

import pandas as pd

from s2i.evaluation import summary
from s2i.metrics.registry import IMAGE_METRICS, METRICS, improvement

NO_EVIDENCE = "no evidence"


@dataclass(frozen=True)
class Verdict:
    """A metric in two runs, and what its difference, new less old, says."""

    metric: str
    old: float
    new: float
    difference: float
    low: float | None  # of the interval, None where there is none
    high: float | None

    @property
    def outcome(self) -> str:
        """better, worse or no evidence."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return NO_EVIDENCE
        return "better" if self.difference * improvement(self.metric) > 0 else "worse"

    @property
    def is_headline(self) -> bool:
        return METRICS[self.metric].headline


def compare(old: pd.DataFrame, new: pd.DataFrame, level: float) -> list[Verdict]:
    """A verdict on every metric of single images that both runs have.

    old, new: a row an image, with `id` of its photo, `sketch_style` and the metrics; only sketches that both have drawn
    are compared.
    The intervals hold all at once at that level (Bonferroni): of many metrics one would else be "worse" by chance.
    """
    common = [name for name in IMAGE_METRICS if name in old and name in new]
    level_of_each = 1 - (1 - level) / max(len(common), 1)
    pairs = new.merge(old, on=["id", "sketch_style"], suffixes=("", "_old"))
    verdicts = []
    for name, difference in summary.differences(new, old, level_of_each, common).items():
        known = pairs[[name, f"{name}_old"]].dropna()
        verdicts.append(
            Verdict(
                metric=name,
                old=float(known[f"{name}_old"].mean()),
                new=float(known[name].mean()),
                difference=difference["mean"],
                low=difference.get("low"),
                high=difference.get("high"),
            )
        )
    return verdicts


def sum_up(verdicts: list[Verdict], against: str) -> str:
    """A sentence: what the headline metrics say of a run against another."""
    parts = []
    for outcome in ("better", "worse"):
        metrics = [f"`{verdict.metric}`" for verdict in verdicts if verdict.is_headline and verdict.outcome == outcome]
        if metrics:
            parts.append(f"{outcome} by {', '.join(metrics)}")
    if not parts:
        return f"No evidence of a difference to {against}"
    sentence = " and ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]} than {against}"
