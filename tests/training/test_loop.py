import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from accelerate.optimizer import AcceleratedOptimizer
from helpers.line import CPU, model, noisy_loss, settings

from s2i.core.errors import UserError
from s2i.training import checkpoints
from s2i.training.loop import fit, train_step
from s2i.training.randomness import BatchRandom
from s2i.training.run import Run

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]  # accelerate launch --cpu starts one process


def test_training_lowers_the_loss(line, tmp_path):
    trained = model()
    before = noisy_loss(trained, line[:], BatchRandom(CPU["device"]).seed(0)).item()
    fit(Run(trained, noisy_loss, line, settings(), tmp_path, **CPU))
    after = noisy_loss(trained, line[:], BatchRandom(CPU["device"]).seed(0)).item()
    assert after < before / 10


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_an_interrupted_run_ends_bit_for_bit_where_it_would_have_ended(line, tmp_path, ema_decay):
    whole, interrupted = model(), model()
    fit(Run(whole, noisy_loss, line, settings(ema_decay=ema_decay), tmp_path / "whole", **CPU))

    def power_cut(step, figures):
        if step == 17:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(Run(interrupted, noisy_loss, line, settings(ema_decay=ema_decay), tmp_path / "cut", log=power_cut, **CPU))
    resumed, steps = model(), []
    rest = settings(ema_decay=ema_decay)
    fit(Run(resumed, noisy_loss, line, rest, tmp_path / "cut", log=lambda step, _: steps.append(step), **CPU))
    assert steps == list(range(11, 31)), "goes on from the checkpoint at step 10"
    assert torch.equal(resumed.weight, whole.weight) and torch.equal(resumed.bias, whole.bias)


def test_a_finished_run_is_not_trained_again(line, tmp_path):
    first, second = model(), model()
    fit(Run(first, noisy_loss, line, settings(), tmp_path, **CPU))
    fit(Run(second, noisy_loss, line, settings(), tmp_path, log=lambda *_: pytest.fail("trained again"), **CPU))
    assert torch.equal(first.weight, second.weight)


def test_the_averaged_weights_differ_from_the_last(line, tmp_path):
    plain, averaged = model(), model()
    fit(Run(plain, noisy_loss, line, settings(), tmp_path / "plain", **CPU))
    fit(Run(averaged, noisy_loss, line, settings(ema_decay=0.95), tmp_path / "averaged", **CPU))
    assert not torch.equal(plain.weight, averaged.weight)


def test_a_step_that_the_scaler_of_fp16_skips_moves_neither_schedule_nor_averages(line, tmp_path):
    states = []

    def with_scaler(state, batches):
        if not states:  # a scale so high that gradients overflow, until a few steps have halved it
            scaler = torch.amp.GradScaler("cpu", init_scale=2.0**120)
            state.accelerator.scaler = scaler
            state.optimizer = AcceleratedOptimizer(state.optimizer.optimizer, scaler=scaler)
        states.append(state)
        return train_step(state, batches)

    def steep_loss(model, batch, rng):
        return 1000 * noisy_loss(model, batch, rng)

    chosen, rates = settings(ema_decay=0.9, warmup_steps=10, steps=10), []
    run = Run(model(), steep_loss, line, chosen, tmp_path, log=lambda _, figures: rates.append(figures), **CPU)
    fit(run, with_scaler)
    state = states[-1]
    skipped, rates = state.skipped_steps, [figures["learning_rate"] for figures in rates]
    assert 0 < skipped < 10 and state.step == 10
    assert rates[: skipped + 1] == [0.0] * (skipped + 1) and rates[skipped + 1] > 0
    assert state.ema.optimization_step == state.lr_scheduler.last_epoch == 10 - skipped
    assert checkpoints.LAST in {file.name for file in tmp_path.iterdir()}


@pytest.mark.parametrize("accumulate", [2, 4])
def test_a_batch_in_parts_trains_what_a_whole_one_does(line, tmp_path, accumulate):
    whole, parted, seen = model(), model(), []
    fit(
        Run(whole, noisy_loss, line, settings(), tmp_path / "whole", log=lambda _, figures: seen.append(figures), **CPU)
    )
    fit(Run(parted, noisy_loss, line, settings(accumulate=accumulate), tmp_path / "parted", **CPU))
    torch.testing.assert_close(parted.weight, whole.weight, rtol=1e-5, atol=1e-6)
    assert len(seen) == 30


def test_a_loss_that_is_no_number_stops_at_once_and_the_last_good_checkpoint_is_kept(line, tmp_path):
    def breaks(model, batch, draws):
        value = noisy_loss(model, batch, draws)
        return value * float("nan") if breaks.calls.append(1) or len(breaks.calls) == 13 else value

    breaks.calls, trained = [], model()
    with pytest.raises(UserError, match=r"the loss is nan at step 13, the checkpoint of step 10 is kept: lower train"):
        fit(Run(trained, breaks, line, settings(), tmp_path, **CPU))
    steps = []
    fit(Run(model(), noisy_loss, line, settings(), tmp_path, log=lambda step, _: steps.append(step), **CPU))
    assert steps[0] == 11


def test_a_gradient_that_is_no_number_never_gets_into_a_checkpoint(line, tmp_path):
    def breaks(model, batch, draws):
        value = noisy_loss(model, batch, draws)
        if len(breaks.calls) == 12:
            value = value + (model.weight * 0).sqrt().sum()  # 0, with an infinite slope
        breaks.calls.append(1)
        return value

    breaks.calls = []
    with pytest.raises(UserError, match=r"the gradient's norm is nan at step 13, the checkpoint of step 10 is kept"):
        fit(Run(model(), breaks, line, settings(), tmp_path, **CPU))


def test_gradients_are_computed_outside_of_autocast(line, tmp_path, fresh_accelerate):
    seen = []

    def loss(model, batch, draws):
        value = noisy_loss(model, batch, draws)
        value.register_hook(lambda _: seen.append(torch.is_autocast_enabled("cpu")))
        assert torch.is_autocast_enabled("cpu")
        return value

    fit(Run(model(), loss, line, settings(), tmp_path, device=CPU["device"], precision="bf16"))
    assert len(seen) == 30 and not any(seen)


def test_two_processes_lose_what_one_does(tmp_path):
    """The same losses to the precision of fp32, one process with a batch of 8 beside two with 4 each, on gloo."""
    trained = {}
    script = Path(__file__).parents[1] / "helpers/train_a_line.py"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    for processes in (1, 2):
        out = tmp_path / f"{processes}.json"
        launch = [*TORCHRUN, "--nproc-per-node", str(processes), script, tmp_path / str(processes), out, "30"]
        done = subprocess.run(launch, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        trained[processes] = json.loads(out.read_text())
    assert [trained[processes]["processes"] for processes in (1, 2)] == [1, 2]
    losses = {processes: figures["losses"] for processes, figures in trained.items()}
    assert len(losses[1]) == 30 and losses[1][-1] < losses[1][0] / 10
    torch.testing.assert_close(losses[2], losses[1], rtol=1e-4, atol=1e-6)
