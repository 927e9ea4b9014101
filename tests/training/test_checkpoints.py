import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.line import CPU, model, noisy_loss, settings
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from s2i.core.errors import UserError
from s2i.training import checkpoints
from s2i.training.loop import fit
from s2i.training.run import Run


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


def _cut(file):
    file.write_bytes(file.read_bytes()[:-7])


def _empty(file):
    file.write_bytes(b"")


def _rot(file):
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors"])
@pytest.mark.parametrize("damage", [_cut, _empty, _rot, Path.unlink])
def test_a_damaged_checkpoint_is_named_and_the_training_begins_anew(line, tmp_path, capsys, damage, name):
    def run(folder):
        net, steps = model(), []
        log = lambda step, _: steps.append(step)  # noqa: E731
        with_validation = settings(validate_every=10)
        fit(Run(net, noisy_loss, line, with_validation, folder, log=log, validate=lambda step: 1 / step, **CPU))
        return net.weight, steps

    whole, _ = run(tmp_path / "whole")
    run(tmp_path / "damaged")
    damage(tmp_path / "damaged" / name)
    weight, steps = run(tmp_path / "damaged")
    assert steps == list(range(1, 31)) and torch.equal(weight, whole)
    if not (damage is Path.unlink and name == "last.safetensors"):
        assert f"the checkpoint {tmp_path / 'damaged' / name} is damaged" in capsys.readouterr().err


def test_a_checkpoint_of_an_earlier_version_without_a_hash_is_gone_on_from(line, tmp_path):
    fit(Run(model(), noisy_loss, line, settings(), tmp_path, **CPU))
    with safe_open(tmp_path / "last.safetensors", "pt") as file:
        tensors, metadata = {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118
    del metadata["sha256"]
    save_file(tensors, tmp_path / "last.safetensors", metadata)
    steps = []
    fit(Run(model(), noisy_loss, line, settings(), tmp_path, log=lambda step, _: steps.append(step), **CPU))
    assert steps == []


def test_a_lock_that_cannot_be_had_is_one_sentence(line, tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(UserError, match=r"no checkpoint can be written to .*Is a directory"):
        fit(Run(model(), noisy_loss, line, settings(), tmp_path, **CPU))


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
