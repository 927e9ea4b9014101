from functools import partial

import pytest
from helpers.line import CPU, model, noisy_loss, settings

from s2i.core.errors import UserError
from s2i.training.loop import fit
from s2i.training.optimizers import make_optimizer
from s2i.training.run import Run


def test_a_parameter_may_learn_at_a_rate_of_its_own(line, tmp_path):
    trained = model()
    before = trained.bias.item()
    rates = {"weight": 0.3, "bias": 1e-9}
    fit(
        Run(
            trained,
            noisy_loss,
            line,
            settings(weight_decay=0),
            tmp_path,
            make_optimizer=partial(make_optimizer, rate_of=rates.__getitem__),
            **CPU,
        )
    )
    assert abs(trained.bias.item() - before) < 1e-6 and abs(trained.weight.item() - 3) < 0.6


def test_an_optimizer_in_8_bits_needs_a_gpu(line, tmp_path):
    with pytest.raises(UserError, match=r"adamw8bit, which needs a CUDA GPU and the package bitsandbytes .* to adamw"):
        fit(Run(model(), noisy_loss, line, settings(optimizer="adamw8bit"), tmp_path, **CPU))
