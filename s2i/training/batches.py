"""Where batches come from, and which examples a step sees."""

from collections.abc import Iterator, Sequence, Sized
from typing import Any, cast

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from s2i.core.errors import UserError
from s2i.core.params import Optimisation
from s2i.training.randomness import BatchRandom, mix_seed

Examples = Dataset[Any] | Sequence[Any]  # that have a length, and are found by their indices


def load_batches(
    examples: Examples, settings: Optimisation, seed: int, steps: range, rngs: Sequence[BatchRandom]
) -> Iterator[Any]:
    """The batches of the steps, each in as many parts as there are ``rngs``: the parts that this process computes.

    A step sees the same examples whichever step the run went on from, and however its batch is divided.
    Raises UserError when a batch cannot be divided so.
    """
    size = len(cast(Sized, examples))
    order = StepBatches(size, settings.batch_size, seed, steps.start, steps.stop, rngs)
    collate = _as_is if hasattr(examples, "__getitems__") else None  # such datasets give whole batches
    return iter(DataLoader(cast(Dataset[Any], examples), batch_sampler=order, collate_fn=collate))


class StepBatches(Sampler[list[int]]):
    """Indices of the examples of each batch, a function of the step alone, so that a resumed run sees the same.

    rngs: one for each part of a batch that this process computes, which says which part of how many it is; None is
    the whole batch.  Raises UserError when a batch cannot be divided into so many parts.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        first_step: int,
        last_step: int,
        rngs: Sequence[BatchRandom] | None = None,
    ):
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.first_step, self.last_step = first_step, last_step
        self.parts = [(rng.part, rng.parts) for rng in rngs] if rngs else [(0, 1)]
        parts = self.parts[0][1]
        if batch_size % parts:
            raise UserError(
                f"train.batch_size {batch_size} cannot be divided into {parts} parts, the processes times "
                "train.accumulate: make it a multiple of them."
            )

    def __len__(self) -> int:
        return max(0, self.last_step - self.first_step) * len(self.parts)

    def __iter__(self) -> Iterator[list[int]]:
        orders: dict[int, list[int]] = {}
        for step in range(self.first_step, self.last_step):
            positions = range(step * self.batch_size, (step + 1) * self.batch_size)
            epochs = {position // self.size for position in positions}
            orders = {epoch: orders.get(epoch) or self._order(epoch) for epoch in epochs}
            batch = [orders[position // self.size][position % self.size] for position in positions]
            for part, parts in self.parts:
                length = self.batch_size // parts
                yield batch[part * length : (part + 1) * length]

    def _order(self, epoch: int) -> list[int]:
        """The indices of all examples as an epoch goes through them."""
        generator = torch.Generator().manual_seed(mix_seed(self.seed, epoch))
        order: list[int] = torch.randperm(self.size, generator=generator).tolist()
        return order


def _as_is(batch: Any) -> Any:
    return batch
