"""How a stage is run: its arguments by name, its outputs, its parameters, and what its errors say."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
TRAIN = """
from s2i.core import stage
from s2i.core.errors import Stopped, UserError
with stage.run(inputs=["encoded"], outputs=["log", "model"], metrics=True) as run:
    (run.outputs["log"] / "loss.tsv").write_text("1")
    (run.output / "weights").write_text(run.inputs["encoded"].name)
    run.score({"rank": run.params.rank})
"""
FAIL = """
from s2i.core import stage
from s2i.core.errors import Stopped, UserError
with stage.run(inputs=["images"], outputs=["log", "model"]) as run:
    raise (Stopped if run.target.name == "stop" else UserError)("no images of a castle.")
"""
BASE = """
from s2i.core import stage
from s2i.core.params import Group
class Tree(Group):
    size: int
with stage.run(inputs=[], outputs=["weights"], last={last!r}, params="base.yaml", tree=Tree) as run:
    ({path}).write_text(str(run.params.size))
    if run.params.size > 2:
        raise KeyError
"""


@pytest.fixture
def run(tmp_path):
    """run(script, *arguments) runs a stage of such a script in a folder of its own, where params.yaml is."""
    shutil.copy(PROJECT / "params.yaml", tmp_path)

    def run(script, *arguments, **environment):
        (tmp_path / "stage.py").write_text(script)
        command = [sys.executable, "stage.py", *map(str, arguments)]
        environment = os.environ | {"PYTHONPATH": str(PROJECT)} | environment
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return run


def test_a_stage_writes_its_log_beside_and_its_model_whole(run, tmp_path):
    (tmp_path / "log").mkdir()
    (tmp_path / "log/old").touch()
    assert run(TRAIN, "old", "log", "model", "train.json").returncode == 0
    done = run(TRAIN, "data/encoded", "log", "model", "train.json")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "log").iterdir()) == ["loss.tsv", "old"]
    assert {path.name: path.read_text() for path in (tmp_path / "model").glob("w*")} == {"weights": "encoded"}
    assert json.loads((tmp_path / "train.json").read_text()) == {"rank": 64}


def test_paths_that_are_missing_or_too_many_are_told_by_name(run, tmp_path):
    missing = run(TRAIN, "data/encoded", "log")
    assert missing.returncode == 2 and "the following arguments are required: model, metrics" in missing.stderr
    many = run(TRAIN, "data/encoded", "log", "model", "train.json", "more")
    assert many.returncode == 2 and "unrecognized arguments: more" in many.stderr
    assert "encoded log model metrics" in " ".join(many.stderr.split()) and not (tmp_path / "model").exists()


def test_of_several_processes_the_first_one_writes_the_output_and_the_metrics(run, tmp_path):
    (tmp_path / "log").mkdir()
    assert run(TRAIN, "data/encoded", "log", "model", "train.json", RANK="1").returncode == 0
    assert not (tmp_path / "model").exists() and not (tmp_path / "train.json").exists()


def test_a_stage_that_may_fail_leaves_word_and_those_after_it_pass_it_on(run, tmp_path):
    assert run(FAIL, "photos", "log", "model").returncode == 1 and not (tmp_path / "model").exists()
    failed = run(FAIL, "photos", "log", "model", "--may-fail")
    assert failed.returncode == 0 and "stage: no images of a castle." in failed.stderr
    assert (tmp_path / "model/failed.txt").read_text() == "no images of a castle." and (tmp_path / "log").is_dir()
    assert not (tmp_path / "photos").exists(), "an input is not made"
    assert run(TRAIN, "model", "log", "drawn", "drawn.json", "--may-fail").returncode == 0
    assert (tmp_path / "drawn/failed.txt").read_text() == "no images of a castle."
    assert run(FAIL, "photos", "log", "stop", "--may-fail").returncode == 143 and not (tmp_path / "stop").exists()


def test_a_variant_and_another_file_of_parameters_are_taken_where_asked_for(run, tmp_path):
    (tmp_path / "log").mkdir()
    text = (tmp_path / "params.yaml").read_text()
    (tmp_path / "other.yaml").write_text(text.replace("rank: 64", "rank: 8") + "variants: {wide: {rank: 128}}\n")
    for options, rank in ((["--params", "other.yaml"], 8), (["--params", "other.yaml", "--variant", "wide"], 128)):
        assert run(TRAIN, "data/encoded", "log", "model", "train.json", *options).returncode == 0
        assert json.loads((tmp_path / "train.json").read_text()) == {"rank": rank}


@pytest.mark.parametrize(("last", "path"), [("file", "run.output"), ("in place", "run.output / 'size.txt'")])
def test_a_pipeline_of_its_own_has_its_own_parameters_and_writes_a_file_or_in_place(run, tmp_path, last, path):
    script = BASE.format(last=last, path=path)
    written = tmp_path / "out" / ("" if last == "file" else "size.txt")
    sizes = []
    for size in (2, 3):
        (tmp_path / "base.yaml").write_text(f"size: {size}\n")
        run(script, "out")
        sizes.append(written.read_text())
    assert sizes == ["2", "2" if last == "file" else "3"], "a file is whole or not there"
    (tmp_path / "base.yaml").write_text("sice: 2\n")
    refused = run(script, "out")
    assert refused.returncode == 1 and "base.yaml: unknown key 'sice', did you mean 'size'?" in refused.stderr
