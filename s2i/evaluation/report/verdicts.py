"""Whether one run is better than another: paired differences of their scores, photo by photo."""

from dataclasses import dataclass

import pandas as pd

from s2i.evaluation import summary
from s2i.metrics.registry import IMAGE_METRICS, METRICS, improvement

WORDS = ("better", "worse")


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
    def said(self) -> str:
        """better, worse or no evidence."""
        if self.low is None or self.low <= 0 <= self.high:
            return "no evidence"
        return "better" if self.difference * improvement(self.metric) > 0 else "worse"

    @property
    def is_headline(self) -> bool:
        return METRICS[self.metric].headline


def compare(old: pd.DataFrame, new: pd.DataFrame, level: float) -> list[Verdict]:
    """A verdict on every metric of single images that both runs have.

    old, new: a row an image, with `id` of its photo, `sketch_style` and the metrics; compared is what both have drawn.
    The intervals hold all at once at that level (Bonferroni): of many metrics one would else be "worse" by chance.
    """
    both = [name for name in IMAGE_METRICS if name in old and name in new]
    within = 1 - (1 - level) / max(len(both), 1)
    pairs = new.merge(old, on=["id", "sketch_style"], suffixes=("", "_old"))
    verdicts = []
    for name, found in summary.differences(new, old, within, both).items():
        known = pairs[[name, f"{name}_old"]].dropna()
        means = known[f"{name}_old"].mean(), known[name].mean()
        verdicts.append(Verdict(name, *map(float, means), found["mean"], found.get("low"), found.get("high")))
    return verdicts


def summed_up(verdicts: list[Verdict], against: str) -> str:
    """A sentence: what the headline metrics say of a run against another."""
    said = {word: [f"`{one.metric}`" for one in verdicts if one.is_headline and one.said == word] for word in WORDS}
    found = [f"{word} by {', '.join(said[word])}" for word in WORDS if said[word]]
    if not found:
        return f"No evidence of a difference to {against}"
    sentence = " and ".join(found)
    return f"{sentence[0].upper()}{sentence[1:]} than {against}"
