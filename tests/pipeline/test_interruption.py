"""Every stage killed, stopped and started twice at random moments, on tiny settings."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from helpers.houses import house
from helpers.tiny import save_base
from PIL import Image

PROJECT = Path(__file__).parents[2]
KILLS = 50
STAGES = {
    "ingest": ("data/photos", "data/ingested", "metrics/ingest.json"),
    "pair": ("data/ingested", "data/paired"),
    "matte": ("data/paired", "data/matted"),
    "caption": ("data/matted", "data/captioned"),
    "survey": ("data/captioned", "data/ingested", "metrics/data", "metrics/data.json"),
    "augment": ("data/captioned", "data/augmented"),
    "encode": ("data/augmented", "data/encoded"),
    "train": ("data/augmented", "data/encoded", "metrics/train", "models/trained"),
    "generate": ("data/augmented", "models/trained", "data/generated"),
    "evaluate": ("data/generated", "metrics/evaluate", "metrics/evaluate.json"),
    "distill": (
        *("data/augmented", "data/encoded", "models/trained", "data/generated"),
        *("metrics/distill", "models/student", "metrics/distill.json"),
    ),
}
OUTPUTS = {
    **{stage: paths[1:] for stage, paths in STAGES.items()},
    **{"survey": STAGES["survey"][2:], "train": STAGES["train"][2:], "generate": ("data/generated",)},
    "distill": STAGES["distill"][4:],
}
TINY = {
    "base": "data/base",
    "rank": 2,
    "resolution": 64,
    "seed": 0,
    "precision": "fp32",
    "device": "cpu",
    "workers": {"count": 1},
    "pair": {"styles": ["xdog", "pencil"]},
    "ingest": {"val": 0.2, "test": 0.3},
    "augment": {"variants": 2},
    "train": {"steps": 6, "batch_size": 2, "validate_every": 3, "checkpoint_every": 2},
    "generate": {"steps": 2},
    "evaluate": {"mosaic_rows": 2},
    "distill": {"steps": 2, "rank": 2, "batch_size": 2, "validate_every": 1},
}


class TinyProject:
    """A folder in which every stage runs within seconds; seconds: how long each took."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds: dict[str, float] = {}

    def write(self) -> None:
        values = yaml.safe_load((PROJECT / "params.yaml").read_text())
        for name, change in TINY.items():
            values[name] = values[name] | change if isinstance(change, dict) else change
        values["caption"]["attributes"] = str(PROJECT / "data/base/attributes.safetensors")
        (self.folder / "data/photos").mkdir(parents=True)
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values))
        for number in range(14):
            Image.fromarray(house(number)).save(self.folder / f"data/photos/house-{number:02}.png")
        save_base(self.folder / "data/base")
        for stage in STAGES:
            began = time.monotonic()
            with self.start(stage, self.folder / "cache") as process:
                _, errors = process.communicate()
            assert process.returncode == 0, errors
            self.seconds[stage] = time.monotonic() - began

    def start(self, stage: str, cache: Path) -> subprocess.Popen:
        environment = os.environ | {"PYTHONPATH": str(PROJECT), "S2I_CACHE": str(cache), "DVC_STAGE": stage}
        command = [sys.executable, str(PROJECT / f"stages/{stage}.py"), *STAGES[stage]]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.folder, env=environment, **pipes)

    def written(self, stage: str) -> dict[str, bytes]:
        """All files that a stage wrote, by name, hidden ones as well."""
        files: dict[str, bytes] = {}
        for output in OUTPUTS[stage]:
            path = self.folder / output
            below = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            files |= {str(file.relative_to(self.folder)): file.read_bytes() for file in below}
        return files

    def left_behind(self) -> list[str]:
        """Drafts, locks and folders that were moved aside, outside of the cache."""
        hidden = [path for path in self.folder.glob("[!c]*/.*") if path.name.endswith((".draft", ".old", ".lock"))]
        return [str(path.relative_to(self.folder)) for path in hidden]

    def interrupt(self, stage: str, number: int, share: float, cache: Path) -> tuple[int, str]:
        """The exit status and the last line of a stage that gets a signal after a share of its seconds."""
        with self.start(stage, cache) as process:
            try:
                process.wait(share * self.seconds[stage])
            except subprocess.TimeoutExpired:
                process.send_signal(number)
            _, errors = process.communicate()
        lines = [line for line in errors.strip().splitlines() if line]
        assert "Traceback" not in errors, errors
        return process.returncode, lines[-1] if lines else ""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project in which all stages ran once, undisturbed."""
    project = TinyProject(tmp_path_factory.mktemp("tiny"))
    project.write()
    return project


def stage_ends_well(project, stage, cache):
    with project.start(stage, cache) as process:
        _, errors = process.communicate()
    assert process.returncode == 0, errors


@pytest.mark.slow
def test_killed_at_fifty_random_moments_stages_write_what_they_would_have_written(project, tmp_path):
    moments, survived = random.Random(0), 0
    for number in range(KILLS):
        stage, share = list(STAGES)[number % len(STAGES)], moments.uniform(0.1, 1)
        before, cache = project.written(stage), tmp_path / str(number)
        project.interrupt(stage, signal.SIGKILL, share, cache)
        stage_ends_well(project, stage, cache)
        assert project.written(stage) == before, f"{stage}, killed after {share:.0%}"
        assert not project.left_behind()
        shutil.rmtree(cache)
        survived += 1
    print(f"{survived} of {KILLS}")
    assert survived == KILLS


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_is_asked_to_stop_says_so_and_leaves_nothing(project, tmp_path, stage, number):
    before = project.written(stage)
    status, sentence = project.interrupt(stage, number, 0.6, tmp_path)
    if status != 0:  # else it was over before
        assert status == 128 + number and "stopped" in sentence, sentence
    assert project.written(stage) == before or stage in ("train", "distill"), (
        "the log of a training is written in place"
    )
    assert not project.left_behind()
    stage_ends_well(project, stage, tmp_path)
    assert project.written(stage) == before


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_of_two_runs_at_once_one_is_refused_or_both_write_the_same(project, tmp_path, stage):
    before = project.written(stage)
    with project.start(stage, tmp_path) as first, project.start(stage, tmp_path) as second:
        ended = [process.communicate()[1] for process in (first, second)]
    statuses = sorted([first.returncode, second.returncode])
    assert statuses in ([0, 0], [0, 1]) and "Traceback" not in "".join(ended), ended
    if statuses == [0, 1]:
        assert "another run" in "".join(ended)
    assert project.written(stage) == before and not project.left_behind()
