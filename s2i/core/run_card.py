"""metrics/run.json: on what machine, with which code, data and libraries the stages last ran, and how long they took.

No output of any stage, and so in no `dvc metrics diff`: what is in it changes from run to run while the figures stay.
A stage that has nothing to do leaves its entry as it is.  Git has the file, so every commit and every experiment has
that of its run.
"""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from s2i.core import system
from s2i.core.errors import first_line
from s2i.core.files import write_json
from s2i.core.messages import say
from s2i.core.output_folders import alone

FILE = Path("metrics/run.json")
LIBRARIES = ("torch", "diffusers", "transformers", "peft", "accelerate", "numpy", "opencv-python-headless", "dvc")


@contextmanager
def timed() -> Iterator[None]:
    """Note a stage that DVC runs, when the block ends well: seconds, peak memory, and what it ran with."""
    start = time.monotonic()
    yield
    name = os.environ.get("DVC_STAGE", "")  # DVC sets it; "FILE:NAME" is a stage of another pipeline's dvc.yaml
    if name and ":" not in name:
        note(name, time.monotonic() - start)


def note(stage: str, seconds: float) -> None:
    """Put a stage's entry into metrics/run.json, and what the run has in common above it.

    Other stages may be noted at the same time.  What cannot be noted is said, and fails no stage.
    """
    entry = {"seconds": round(seconds, 1), "megabytes": system.peak_memory(), "revision": revision()}
    common = {"hardware": hardware(), "libraries": libraries(), "data": data()}
    try:
        FILE.parent.mkdir(parents=True, exist_ok=True)
        with alone(FILE, wait=True):
            card, stages = _noted()
            write_json(FILE, card | common | {"stages": stages | {stage: entry}})
    except OSError as error:
        say(f"{FILE} could not be written ({first_line(error)}): this run is not noted there.")


def _noted() -> tuple[dict[str, Any], dict[str, Any]]:
    """What stands in metrics/run.json, and its entries by stage; nothing where a merge, or a kill, has broken it."""
    try:
        card = json.loads(FILE.read_text(encoding="utf-8"))
        return {**card}, {**card.get("stages", {})}
    except FileNotFoundError:
        return {}, {}
    except (ValueError, TypeError, AttributeError, RecursionError):
        say(f"{FILE} is not what a run writes, perhaps after a merge: it is begun anew.")
        return {}, {}


def hardware() -> dict[str, str | int]:
    """Processor, cores, memory and, where there is one, the GPU."""
    parts: dict[str, str | int] = {
        "system": platform.platform(),
        "processor": system.processor(),
        "cores": os.cpu_count() or 1,
        "gigabytes": system.total_memory(),
    }
    torch = sys.modules.get("torch")  # a stage without it has no use for a GPU
    if torch and torch.cuda.is_available():
        parts["gpu"] = torch.cuda.get_device_name()
    return parts


def libraries() -> dict[str, str]:
    """Versions of what decides how images come out, and of Python."""
    versions = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def revision() -> str | None:
    """The commit that is checked out, with "+changes" where tracked files differ from it; None outside of Git."""
    commit = _output("git", "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return None
    code = ["--", ".", ":!metrics", ":!dvc.lock", ":!docs"]
    return commit + ("+changes" if _output("git", "status", "--porcelain", "-uno", *code) else "")


def data() -> dict[str, str]:
    """{folder: fingerprint} of what the pipeline was given, as dvc.lock knows it after the first stage."""
    try:
        inputs = yaml.safe_load(Path("dvc.lock").read_text(encoding="utf-8"))["stages"]["ingest"]["deps"]
        return {entry["path"]: entry["md5"] for entry in inputs if entry["path"].startswith("data/")}
    except (
        OSError,
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        RecursionError,
        yaml.YAMLError,
    ):  # it may be in a merge
        return {}


def _output(*command: str) -> str | None:
    """What a command prints, or None where it is not there or fails."""
    try:
        process = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace")
    except OSError:
        return None
    return process.stdout.strip() if process.returncode == 0 else None
