"""Which examples a step sees."""

from collections.abc import Iterator, Sequence

import torch
from torch.utils.data import Sampler

from s2i.core.errors import UserError
from s2i.training.randomness import BatchRandom, mix_seed


class StepBatches(Sampler):
    """Index batches that are a function of the step alone, so that a resumed run sees what it would have seen.

    draws: one for each part of a batch that is computed here, which says which part of how many; None is all of it.
    Raises UserError when a batch cannot be divided so.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        first_step: int,
        last_step: int,
        draws: Sequence[BatchRandom] | None = None,
    ):
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.first_step, self.last_step = first_step, last_step
        self.places = [(draw.part, draw.parts) for draw in draws] if draws else [(0, 1)]
        parts = self.places[0][1]
        if batch_size % parts:
            raise UserError(
                f"train.batch_size {batch_size} cannot be divided into {parts} parts, the processes times "
                "train.accumulate: make it a multiple of them."
            )

    def __len__(self) -> int:
        return max(0, self.last_step - self.first_step) * len(self.places)

    def __iter__(self) -> Iterator[list[int]]:
        orders: dict[int, list[int]] = {}
        for step in range(self.first_step, self.last_step):
            wanted = range(step * self.batch_size, (step + 1) * self.batch_size)
            epochs = {place // self.size for place in wanted}
            orders = {epoch: orders.get(epoch) or self._order(epoch) for epoch in epochs}
            batch = [orders[place // self.size][place % self.size] for place in wanted]
            for part, parts in self.places:
                share = self.batch_size // parts
                yield batch[part * share : (part + 1) * share]

    def _order(self, epoch: int) -> list[int]:
        generator = torch.Generator().manual_seed(mix_seed(self.seed, epoch))
        return torch.randperm(self.size, generator=generator).tolist()
