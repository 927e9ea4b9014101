"""Draws from a seed in plain words."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

Option = TypeVar("Option")


class Draw:
    """Random choices that the seeds fix, one after the other."""

    def __init__(self, *seeds: int):
        self.rng = np.random.default_rng(seeds)

    def one(self, options: Sequence[Option]) -> Option:
        """One of the options, all as likely."""
        return options[int(self.rng.integers(len(options)))]

    def some(self, shares: Mapping[str, float]) -> tuple[str, ...]:
        """Those of the names that chance lets through, each with its own probability."""
        return tuple(name for name, share in shares.items() if self.chance(share))

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return bool(self.rng.random() < probability)

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def between(self, low: float, high: float) -> float:
        """A number between two others."""
        return float(self.rng.uniform(low, high))
