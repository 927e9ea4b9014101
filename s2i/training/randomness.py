"""Random numbers of a training step, the same however its batch is spread."""

from collections.abc import Callable

import torch


def mix_seed(seed: int, number: int) -> int:
    """A seed for the ``number``-th generator of a seed, in 32 bits: torch's generator on the CPU ignores all others."""
    return (seed * 2654435761 + number) % 2**32  # the prime is Knuth's, it keeps neighbouring seeds far apart


class BatchRandom:
    """The random numbers of a step, cut to the part of its batch that is computed here: ``part`` of ``parts``.

    They are drawn for the whole batch, so processes and accumulated gradients see what one large batch would.
    """

    def __init__(self, device: torch.device, part: int = 0, parts: int = 1):
        self.generator, self.part, self.parts = torch.Generator(device), part, parts
        self.step: int | None = None

    def seed(self, seed: int, step: int | None = None) -> "BatchRandom":
        """Begin anew, for a step of a training or, with None, outside of any."""
        self.step = step
        self.generator.manual_seed(mix_seed(seed, step or 0))
        return self

    def normal(self, shape: torch.Size | tuple[int, ...]) -> torch.Tensor:
        """Of mean 0 and variance 1, the first dimension that of the batch."""
        return self._part_of(torch.randn, shape)

    def uniform(self, shape: torch.Size | tuple[int, ...]) -> torch.Tensor:
        """From 0 to 1, the first dimension that of the batch; for the shape () one number for all of the batch."""
        return self._part_of(torch.rand, shape)

    def integers(self, high: int, count: int) -> torch.Tensor:
        """From 0 to high - 1, (count,)."""
        return self._part_of(lambda shape, **options: torch.randint(high, shape, **options), (count,))

    def _part_of(self, draw: Callable[..., torch.Tensor], shape: torch.Size | tuple[int, ...]) -> torch.Tensor:
        options = {"generator": self.generator, "device": self.generator.device}
        if not shape:
            return draw((), **options)
        return draw((shape[0] * self.parts, *shape[1:]), **options).narrow(0, shape[0] * self.part, shape[0])


class ExampleRandom(BatchRandom):
    """The random numbers of a validation: those of an example hang on its number and the level alone.

    So they are the same whatever batches the examples stand in.  ``level`` of ``levels`` says which part of the
    timesteps is looked at; all examples of a batch are seen in its middle.
    """

    def __init__(self, device: torch.device, examples: range, level: int, levels: int):
        super().__init__(device)
        self.level, self.levels = level, levels
        seeds = [mix_seed(mix_seed(level, number), levels) for number in examples]
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    def integers(self, high: int, count: int) -> torch.Tensor:
        """The middle of the level's part of 0 to high - 1, (count,)."""
        middle = int((self.level + 0.5) / self.levels * high)
        return torch.full((count,), middle, device=self.generator.device)

    def _part_of(self, draw: Callable[..., torch.Tensor], shape: torch.Size | tuple[int, ...]) -> torch.Tensor:
        rows = [draw(shape[1:], generator=generator, device=generator.device) for generator in self.generators]
        return torch.stack(rows)
