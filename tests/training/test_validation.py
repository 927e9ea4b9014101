import pytest
import torch
from helpers.line import CPU, model, noisy_loss, settings

from s2i.core.errors import UserError
from s2i.training.loop import fit
from s2i.training.run import Run


def test_patience_ends_the_run_and_the_best_weights_are_kept(line, tmp_path):
    trained, seen = model(), {}

    def worse_after_ten(step):
        seen[step] = trained.weight.clone()
        return abs(step - 10)

    early = settings(validate_every=5, patience=2)
    fitted = fit(Run(trained, noisy_loss, line, early, tmp_path, validate=worse_after_ten, **CPU))
    assert fitted == (10, 20) and max(seen) == 20
    assert torch.equal(trained.weight, seen[10]) and not torch.equal(trained.weight, seen[20])


def test_a_run_that_ended_early_stays_ended(line, tmp_path):
    early = settings(validate_every=5, patience=2)
    fit(Run(model(), noisy_loss, line, early, tmp_path, validate=lambda step: abs(step - 10), **CPU))
    again = fit(Run(model(), noisy_loss, line, early, tmp_path, validate=lambda step: pytest.fail("went on"), **CPU))
    assert again == (10, 20)


def test_a_validation_that_is_no_number_is_never_the_best(line, tmp_path):
    every = settings(validate_every=5, patience=2)
    with pytest.raises(UserError, match=r"the validation at step 5 gave nan: lower train.learning_rate"):
        fit(Run(model(), noisy_loss, line, every, tmp_path, validate=lambda step: float("nan"), **CPU))
