from itertools import combinations

import torch
from helpers.line import CPU

from s2i.training.batches import StepBatches
from s2i.training.randomness import BatchRandom, ExampleRandom


def test_another_seed_is_another_order_and_other_noise():
    def order(seed):
        return list(StepBatches(64, 8, seed, 0, 8))

    assert order(0) != order(1) and order(0) == order(0)
    noises = [BatchRandom(CPU["device"]).seed(seed, 3).normal((8,)) for seed in (0, 1, 2**31 - 1)]
    assert all((a != b).any() for a, b in combinations(noises, 2))


def test_parts_of_a_batch_see_the_numbers_of_the_whole():
    whole = BatchRandom(CPU["device"]).seed(5)
    parts = [BatchRandom(CPU["device"], part, 3).seed(5) for part in range(3)]
    assert torch.equal(whole.normal((6, 2)), torch.cat([part.normal((2, 2)) for part in parts]))
    assert torch.equal(whole.integers(10, 6), torch.cat([part.integers(10, 2) for part in parts]))
    assert len({whole.uniform(()).item(), *(part.uniform(()).item() for part in parts)}) == 1


def test_validation_noise_hangs_on_the_example_alone_and_each_level_on_its_timesteps():
    whole = ExampleRandom(CPU["device"], range(6), 2, 8)
    parts = [ExampleRandom(CPU["device"], range(first, first + 2), 2, 8) for first in (0, 2, 4)]
    for _ in range(2):
        assert torch.equal(whole.normal((6, 3)), torch.cat([part.normal((2, 3)) for part in parts]))
    assert whole.integers(1000, 6).tolist() == [312] * 6
    assert not torch.equal(whole.normal((6, 3)), ExampleRandom(CPU["device"], range(6), 3, 8).normal((6, 3)))
    levels = [ExampleRandom(CPU["device"], range(1), level, 8).integers(1000, 1).item() for level in range(8)]
    assert levels == [62, 187, 312, 437, 562, 687, 812, 937]
