import os
import signal

import pytest
import torch
from helpers.line import CPU, model, noisy_loss, settings

from s2i.core.errors import Stopped
from s2i.training.loop import fit
from s2i.training.run import Run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_a_run_leaves_a_checkpoint_and_goes_on_bit_for_bit(line, tmp_path, number):
    whole = model()
    fit(Run(whole, noisy_loss, line, settings(), tmp_path / "whole", **CPU))
    with pytest.raises(Stopped, match=r"stopped at step 13 as asked; the same command goes on from there") as stopped:
        stop = lambda step, _: os.kill(os.getpid(), number) if step == 13 else None  # noqa: E731
        fit(Run(model(), noisy_loss, line, settings(), tmp_path / "stopped", log=stop, **CPU))
    assert stopped.value.status == 128 + number
    resumed, steps = model(), []
    fit(Run(resumed, noisy_loss, line, settings(), tmp_path / "stopped", log=lambda step, _: steps.append(step), **CPU))
    assert steps[0] == 14 and torch.equal(resumed.weight, whole.weight)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
