import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

from s2i.params import Optimisation
from s2i.training import StepBatches, fit

CPU = {"device": torch.device("cpu"), "precision": "fp32"}


@pytest.fixture
def line():
    """Points on y = 3 x + 1."""
    x = torch.linspace(-1, 1, 40)[:, None]
    return TensorDataset(x, 3 * x + 1)


def model():
    torch.manual_seed(0)
    return nn.Linear(1, 1)


def noisy_loss(model, batch, generator):
    x, y = batch
    return (model(x + 0.01 * torch.randn(x.shape, generator=generator)) - y).square().mean()


def settings(**changes):
    return Optimisation(steps=30, batch_size=8, learning_rate=0.3, checkpoint_every=10, **changes)


def test_training_lowers_the_loss(line, tmp_path):
    trained = model()
    before = noisy_loss(trained, line[:], torch.Generator().manual_seed(0)).item()
    fit(trained, noisy_loss, line, settings(), tmp_path, **CPU)
    after = noisy_loss(trained, line[:], torch.Generator().manual_seed(0)).item()
    assert after < before / 10


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_an_interrupted_run_ends_bit_for_bit_where_it_would_have_ended(line, tmp_path, ema_decay):
    whole, interrupted = model(), model()
    fit(whole, noisy_loss, line, settings(ema_decay=ema_decay), tmp_path / "whole", **CPU)

    def power_cut(step, figures):
        if step == 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(interrupted, noisy_loss, line, settings(ema_decay=ema_decay), tmp_path / "cut", log=power_cut, **CPU)
    resumed, steps = model(), []
    rest = settings(ema_decay=ema_decay)
    fit(resumed, noisy_loss, line, rest, tmp_path / "cut", log=lambda step, _: steps.append(step), **CPU)
    assert steps == list(range(11, 31)), "goes on from the checkpoint at step 10"
    assert torch.equal(resumed.weight, whole.weight) and torch.equal(resumed.bias, whole.bias)


def test_a_finished_run_is_not_trained_again(line, tmp_path):
    first, second = model(), model()
    fit(first, noisy_loss, line, settings(), tmp_path, **CPU)
    fit(second, noisy_loss, line, settings(), tmp_path, log=lambda *_: pytest.fail("trained again"), **CPU)
    assert torch.equal(first.weight, second.weight)


def test_patience_ends_the_run_and_the_best_weights_are_kept(line, tmp_path):
    trained, seen = model(), {}

    def worse_after_ten(step):
        seen[step] = trained.weight.clone()
        return abs(step - 10)

    step = fit(
        trained, noisy_loss, line, settings(validate_every=5, patience=2), tmp_path, validate=worse_after_ten, **CPU
    )
    assert step == 10 and max(seen) == 20
    assert torch.equal(trained.weight, seen[10]) and not torch.equal(trained.weight, seen[20])


def test_a_run_that_ended_early_stays_ended(line, tmp_path):
    early = settings(validate_every=5, patience=2)
    fit(model(), noisy_loss, line, early, tmp_path, validate=lambda step: abs(step - 10), **CPU)
    again = fit(model(), noisy_loss, line, early, tmp_path, validate=lambda step: pytest.fail("went on"), **CPU)
    assert again == 10


def test_every_example_is_seen_once_an_epoch():
    seen = [index for batch in StepBatches(10, 4, seed=0, first_step=0, last_step=5) for index in batch]
    assert sorted(seen[:10]) == list(range(10)) and sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:], "each epoch in an order of its own"


def test_batches_of_a_resumed_run_are_those_it_would_have_seen():
    whole = list(StepBatches(10, 4, seed=0, first_step=0, last_step=6))
    assert list(StepBatches(10, 4, seed=0, first_step=3, last_step=6)) == whole[3:]


def test_the_averaged_weights_differ_from_the_last(line, tmp_path):
    plain, averaged = model(), model()
    fit(plain, noisy_loss, line, settings(), tmp_path / "plain", **CPU)
    fit(averaged, noisy_loss, line, settings(ema_decay=0.95), tmp_path / "averaged", **CPU)
    assert not torch.equal(plain.weight, averaged.weight)
