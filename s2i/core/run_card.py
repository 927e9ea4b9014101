"""metrics/run.json: on what machine, with which code, data and libraries the stages last ran, and how long they took.

No output of any stage, and so in no `dvc metrics diff`: what is in it changes from run to run while the figures stay.
A stage that has nothing to do leaves its entry as it is.  Git has the file, so every commit and every experiment has
that of its run.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import yaml

from s2i.core.files import write_json

FILE = Path("metrics/run.json")
LIBRARIES = ("torch", "diffusers", "transformers", "peft", "accelerate", "numpy", "opencv-python-headless", "dvc")


@contextmanager
def timed() -> Iterator[None]:
    """Note a stage that DVC runs, when the block ends well: seconds, peak memory, and what it ran with."""
    began = time.monotonic()
    yield
    name = os.environ.get("DVC_STAGE", "")  # DVC sets it; those of studies say of which file they are
    if name and ":" not in name:
        note(name, time.monotonic() - began)


def note(stage: str, seconds: float) -> None:
    """Put a stage's entry into metrics/run.json, and what the run has in common above it."""
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    per_megabyte = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // per_megabyte
    entry = {"seconds": round(seconds, 1), "megabytes": peak, "revision": revision()}
    common = {"hardware": hardware(), "libraries": libraries(), "data": data()}
    write_json(FILE, known | common | {"stages": known.get("stages", {}) | {stage: entry}})


def hardware() -> dict[str, str | int]:
    """Processor, cores, memory and, where there is one, the GPU."""
    found = {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count() or 1}
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        found["gigabytes"] = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    torch = sys.modules.get("torch")  # a stage without it has no use for a GPU
    if torch and torch.cuda.is_available():
        found["gpu"] = torch.cuda.get_device_name()
    return found


def libraries() -> dict[str, str]:
    """Versions of what decides how images come out, and of Python."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def revision() -> str | None:
    """The commit that is checked out, with "+changes" where tracked files differ from it; None outside of Git."""
    described = _output("git", "rev-parse", "--short=12", "HEAD")
    if described is None:
        return None
    code = ["--", ".", ":!metrics", ":!dvc.lock", ":!docs"]
    return described + ("+changes" if _output("git", "status", "--porcelain", "-uno", *code) else "")


def data() -> dict[str, str]:
    """{folder: fingerprint} of what the pipeline was given, as dvc.lock knows it after the first stage."""
    try:
        locked = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]["ingest"]["deps"]
    except (FileNotFoundError, KeyError, TypeError):
        return {}
    return {one["path"]: one["md5"] for one in locked if one["path"].startswith("data/")}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
