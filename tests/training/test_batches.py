import pytest
from helpers.line import CPU, model, noisy_loss, settings

from s2i.core.errors import UserError
from s2i.training.batches import StepBatches
from s2i.training.loop import fit
from s2i.training.run import Run


def test_every_example_is_seen_once_an_epoch():
    seen = [index for batch in StepBatches(10, 4, seed=0, first_step=0, last_step=5) for index in batch]
    assert sorted(seen[:10]) == list(range(10)) and sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:], "each epoch in an order of its own"


def test_batches_of_a_resumed_run_are_those_it_would_have_seen():
    whole = list(StepBatches(10, 4, seed=0, first_step=0, last_step=6))
    assert list(StepBatches(10, 4, seed=0, first_step=3, last_step=6)) == whole[3:]


def test_a_batch_that_cannot_be_divided_is_one_clear_sentence(line, tmp_path):
    with pytest.raises(UserError, match=r"train.batch_size 8 cannot be divided into 3 parts"):
        fit(Run(model(), noisy_loss, line, settings(accumulate=3), tmp_path, **CPU))
