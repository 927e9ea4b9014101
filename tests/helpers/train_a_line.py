"""Train on the points of a line: train_a_line.py CHECKPOINTS OUT.json STEPS, for the tests of processes.

OUT.json gets the losses, and how many processes there were.
"""

import json
import sys
from pathlib import Path

from accelerate import PartialState
from line import CPU, model, noisy_loss, points, settings  # beside this script

from s2i.training.loop import fit
from s2i.training.run import Run

checkpoints, out, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
losses = []
fit(
    Run(
        model(),
        noisy_loss,
        points(),
        settings(steps=steps, validate_every=10),
        checkpoints,
        validate=lambda step: 1 / step,
        log=lambda _, figures: losses.append(figures["loss"]),
        **CPU,
    )
)
if losses:  # the main process
    out.write_text(json.dumps({"processes": PartialState().num_processes, "losses": losses}), encoding="utf-8")
