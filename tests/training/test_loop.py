import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors import safe_open
from torch import nn
from torch.utils.data import TensorDataset

from s2i.core.errors import UserError
from s2i.core.params import Optimisation
from s2i.training import checkpoints
from s2i.training.batches import StepBatches
from s2i.training.loop import fit
from s2i.training.optimizers import make_optimizer
from s2i.training.randomness import BatchRandom
from s2i.training.run import Run

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone"]  # accelerate launch --cpu starts one process
CPU = {"device": torch.device("cpu"), "precision": "fp32"}


@pytest.fixture
def line():
    """Points on y = 3 x + 1."""
    x = torch.linspace(-1, 1, 40)[:, None]
    return TensorDataset(x, 3 * x + 1)


def model():
    torch.manual_seed(0)
    return nn.Linear(1, 1)


def noisy_loss(model, batch, draws):
    x, y = batch
    return (model(x + 0.01 * draws.normal(x.shape)) - y).square().mean()


def settings(**changes):
    return Optimisation(steps=30, batch_size=8, learning_rate=0.3, checkpoint_every=10, **changes)


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


def test_every_example_is_seen_once_an_epoch():
    seen = [index for batch in StepBatches(10, 4, seed=0, first_step=0, last_step=5) for index in batch]
    assert sorted(seen[:10]) == list(range(10)) and sorted(seen[10:]) == list(range(10))
    assert seen[:10] != seen[10:], "each epoch in an order of its own"


def test_batches_of_a_resumed_run_are_those_it_would_have_seen():
    whole = list(StepBatches(10, 4, seed=0, first_step=0, last_step=6))
    assert list(StepBatches(10, 4, seed=0, first_step=3, last_step=6)) == whole[3:]


def test_the_averaged_weights_differ_from_the_last(line, tmp_path):
    plain, averaged = model(), model()
    fit(Run(plain, noisy_loss, line, settings(), tmp_path / "plain", **CPU))
    fit(Run(averaged, noisy_loss, line, settings(ema_decay=0.95), tmp_path / "averaged", **CPU))
    assert not torch.equal(plain.weight, averaged.weight)


@pytest.mark.parametrize("accumulate", [2, 4])
def test_a_batch_in_parts_trains_what_a_whole_one_does(line, tmp_path, accumulate):
    whole, parted, seen = model(), model(), []
    fit(
        Run(whole, noisy_loss, line, settings(), tmp_path / "whole", log=lambda _, figures: seen.append(figures), **CPU)
    )
    fit(Run(parted, noisy_loss, line, settings(accumulate=accumulate), tmp_path / "parted", **CPU))
    torch.testing.assert_close(parted.weight, whole.weight, rtol=1e-5, atol=1e-6)
    assert len(seen) == 30


def test_a_batch_that_cannot_be_divided_is_one_clear_sentence(line, tmp_path):
    with pytest.raises(UserError, match=r"train.batch_size 8 cannot be divided into 3 parts"):
        fit(Run(model(), noisy_loss, line, settings(accumulate=3), tmp_path, **CPU))


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


def test_a_validation_that_is_no_number_is_never_the_best(line, tmp_path):
    every = settings(validate_every=5, patience=2)
    with pytest.raises(UserError, match=r"the validation at step 5 gave nan: lower train.learning_rate"):
        fit(Run(model(), noisy_loss, line, every, tmp_path, validate=lambda step: float("nan"), **CPU))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_a_run_leaves_a_checkpoint_and_goes_on_bit_for_bit(line, tmp_path, number):
    whole = model()
    fit(Run(whole, noisy_loss, line, settings(), tmp_path / "whole", **CPU))
    with pytest.raises(UserError, match=r"stopped at step 13 as asked; the same command goes on from there"):
        stop = lambda step, _: os.kill(os.getpid(), number) if step == 13 else None  # noqa: E731
        fit(Run(model(), noisy_loss, line, settings(), tmp_path / "stopped", log=stop, **CPU))
    resumed, steps = model(), []
    fit(Run(resumed, noisy_loss, line, settings(), tmp_path / "stopped", log=lambda step, _: steps.append(step), **CPU))
    assert steps[0] == 14 and torch.equal(resumed.weight, whole.weight)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_two_runs_in_one_folder_are_refused(line, tmp_path):
    def second(step, _):
        fit(Run(model(), noisy_loss, line, settings(), tmp_path, **CPU))

    with pytest.raises(UserError, match=r"another run of the same training writes to .*: wait for it, or stop it"):
        fit(Run(model(), noisy_loss, line, settings(), tmp_path, log=second, **CPU))


def test_a_full_disk_leaves_the_previous_checkpoint(line, tmp_path, monkeypatch):
    save = checkpoints.save_file

    def full(tensors, file, metadata=None):
        if metadata and '"step": 20' in metadata["progress"]:
            raise OSError("No space left on device")
        save(tensors, file, metadata=metadata)

    monkeypatch.setattr(checkpoints, "save_file", full)
    sentence = r"checkpoint of step 20 could not be written .*No space left on device\); that of step 10 is still there"
    with pytest.raises(UserError, match=sentence):
        fit(Run(model(), noisy_loss, line, settings(), tmp_path, **CPU))
    monkeypatch.setattr(checkpoints, "save_file", save)
    steps = []
    fit(Run(model(), noisy_loss, line, settings(), tmp_path, log=lambda step, _: steps.append(step), **CPU))
    assert steps[0] == 11


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


class SharedTable(torch.optim.SGD):
    """Descent whose state is laid out as that of bitsandbytes: steps are an int, and parameters share a table."""

    def __init__(self, parameters):
        super().__init__(parameters)
        self.table = torch.linspace(0.1, 1, 256)

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                state["step"], state["qmap1"] = state.get("step", 0) + 1, self.table
                parameter.data.sub_(1e-3 * state["step"] * state["qmap1"].mean())


def _eight_bits(parameters):
    return pytest.importorskip("bitsandbytes").optim.AdamW8bit(parameters)


@pytest.mark.parametrize("optimizer", [SharedTable, _eight_bits])
def test_whatever_an_optimizer_remembers_is_kept(line, tmp_path, optimizer):
    make_optimizer = lambda parameters, *_: optimizer(parameters.values())  # noqa: E731
    wide = lambda: nn.Sequential(model(), nn.Linear(1, 4096), nn.Linear(4096, 1))  # noqa: E731
    ends = {}
    for place, moments in {"whole": [30], "parted": [17, 30]}.items():
        for end in moments:
            ends[place] = wide()
            stop = lambda step, _, end=end: os.kill(os.getpid(), signal.SIGTERM) if step == end else None  # noqa: E731
            with pytest.raises(UserError, match="stopped"):
                changes = {"steps": 31, "learning_rate": 1e-3}
                changed = settings().model_copy(update=changes)
                fit(
                    Run(
                        ends[place],
                        noisy_loss,
                        line,
                        changed,
                        tmp_path / place,
                        log=stop,
                        make_optimizer=make_optimizer,
                        **CPU,
                    )
                )
    torch.testing.assert_close(ends["parted"].state_dict(), ends["whole"].state_dict(), rtol=0, atol=0)


def test_an_optimizer_in_8_bits_needs_a_gpu(line, tmp_path):
    with pytest.raises(UserError, match=r"adamw8bit, which needs a CUDA GPU and the package bitsandbytes .* to adamw"):
        fit(Run(model(), noisy_loss, line, settings(optimizer="adamw8bit"), tmp_path, **CPU))


def _too_large(model, batch, draws):
    return model(torch.empty(2**50))


def _gpu_is_full(model, batch, draws):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")


@pytest.mark.parametrize("loss", [_too_large, _gpu_is_full])
def test_out_of_memory_is_one_sentence_that_says_what_to_turn(line, tmp_path, loss):
    with pytest.raises(UserError, match=r"raise train.accumulate.*train.gradient_checkpointing.*lower resolution"):
        fit(Run(model(), loss, line, settings(), tmp_path, **CPU))


@pytest.fixture
def fresh_accelerate():
    """One process may have one precision only."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def test_gradients_are_computed_outside_of_autocast(line, tmp_path, fresh_accelerate):
    seen = []

    def loss(model, batch, draws):
        value = noisy_loss(model, batch, draws)
        value.register_hook(lambda _: seen.append(torch.is_autocast_enabled("cpu")))
        assert torch.is_autocast_enabled("cpu")
        return value

    fit(Run(model(), loss, line, settings(), tmp_path, device=CPU["device"], precision="bf16"))
    assert len(seen) == 30 and not any(seen)


@pytest.mark.slow
def test_killed_at_ten_moments_a_run_ends_bit_for_bit_where_it_would_have_ended(tmp_path):
    command = [sys.executable, Path(__file__).parents[1] / "helpers/train_a_line.py"]
    rest = [tmp_path / "losses.json", "4000"]
    subprocess.run([*command, tmp_path / "whole", *rest], check=True, capture_output=True)
    for moment in sorted(np.random.default_rng(0).integers(1, 3900, 10)):
        with subprocess.Popen([*command, tmp_path / "killed", *rest], stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and _step(tmp_path / "killed/last.safetensors") < moment:
                time.sleep(0.002)
            assert process.poll() is None, "it was over before it could be killed"
            process.kill()
    subprocess.run([*command, tmp_path / "killed", *rest], check=True, capture_output=True)
    ended = [(tmp_path / name / "last.safetensors").read_bytes() for name in ("whole", "killed")]
    assert ended[0] == ended[1]


def _step(checkpoint: Path) -> int:
    if not checkpoint.exists():
        return 0
    with safe_open(checkpoint, "pt") as file:
        return json.loads(file.metadata()["progress"])["step"]


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


@pytest.mark.parametrize("kind", ["FSDP", "DEEPSPEED", "MEGATRON_LM"])
def test_what_splits_the_weights_is_refused(line, tmp_path, monkeypatch, kind):
    monkeypatch.setenv(f"ACCELERATE_USE_{kind}", "true")
    with pytest.raises(UserError, match=r"FSDP, DeepSpeed and Megatron-LM are not supported, .* MULTI_GPU"):
        fit(Run(model(), noisy_loss, line, settings(), tmp_path, **CPU))
