"""Run a script as it is, and note its optimizer's steps: python stamped.py OUT.json SCRIPT ARGUMENTS...

Noted are, after every step, wall seconds and the CPU seconds of the process, which other programs disturb less; and at
the end its peak memory in megabytes: the high-water mark of its resident set, interpreter, libraries, weights and what
was loaded at first included.
"""

import json
import runpy
import sys
import time
from pathlib import Path

from torch.optim.optimizer import register_optimizer_step_post_hook

out, *sys.argv = sys.argv[1:]
stamps: list[tuple[float, float]] = []
register_optimizer_step_post_hook(lambda *_: stamps.append((time.monotonic(), time.process_time())))
sys.path[0] = str(Path(sys.argv[0]).parent)
runpy.run_path(sys.argv[0], run_name="__main__")

from s2i.core.system import peak_memory  # noqa: E402  after the script, whose memory it would count in

Path(out).write_text(json.dumps({"stamps": stamps, "megabytes": peak_memory()}), encoding="utf-8")
