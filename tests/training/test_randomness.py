from itertools import combinations

import torch
from helpers.line import CPU

from s2i.training.batches import StepBatches
from s2i.training.randomness import BatchRandom


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
