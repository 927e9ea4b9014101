import pytest
import torch
from helpers.line import CPU, model, settings

from s2i.core.errors import UserError
from s2i.training.loop import fit
from s2i.training.run import Run


def _too_large(model, batch, draws):
    return model(torch.empty(2**50))


def _gpu_is_full(model, batch, draws):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


@pytest.mark.parametrize("loss", [_too_large, _gpu_is_full])
def test_out_of_memory_is_one_sentence_that_says_what_to_turn(line, tmp_path, loss):
    with pytest.raises(UserError, match=r"raise train.accumulate.*train.gradient_checkpointing.*lower resolution"):
        fit(Run(model(), loss, line, settings(), tmp_path, **CPU))
