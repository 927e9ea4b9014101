"""metrics/run.json: what DVC's stages note of their run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from s2i.core import run_card

PROJECT = Path(__file__).parents[2]
STAGE = """
import sys
from s2i.core import stage
with stage.run(inputs=["photos"], outputs=["out"]) as run:
    (run.output / "done").write_text("done")
    if "fails" in sys.argv[1]:
        raise KeyError("fails")
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of one stage, in Git, with a lock file that knows its photos."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((PROJECT / "params.yaml").read_text())
    (tmp_path / "run_stage.py").write_text(STAGE)
    locked = {"stages": {"ingest": {"deps": [{"path": "data/photos", "md5": "abc.dir"}, {"path": "s2i", "md5": "x"}]}}}
    (tmp_path / "dvc.lock").write_text(yaml.safe_dump(locked))
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "one"],
    ):
        subprocess.run(["git", *command], check=True)
    return tmp_path


def run(stage, source="photos", name="DVC_STAGE"):
    environment = {"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"} | {name: stage}
    command = [sys.executable, "run_stage.py", source, "out"]
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def test_a_stage_that_dvc_runs_notes_its_time_machine_code_and_data(project):
    assert run("pair").returncode == 0 and run("matte").returncode == 0
    assert run("studies/some/dvc.yaml:encode").returncode == 0, "which is not of this pipeline"
    noted = json.loads(run_card.FILE.read_text())
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True).stdout[:12]
    assert noted["stages"].keys() == {"pair", "matte"} and noted["stages"]["pair"]["revision"] == head
    assert noted["stages"]["pair"]["seconds"] >= 0 and noted["stages"]["pair"]["megabytes"] > 10
    assert noted["data"] == {"data/photos": "abc.dir"} and "data" not in noted["stages"]
    assert noted["hardware"]["cores"] > 0 and noted["libraries"]["python"].startswith("3.")


def test_changed_code_is_told(project):
    (project / "run_stage.py").write_text(STAGE + "# changed\n")
    run("pair")
    assert json.loads(run_card.FILE.read_text())["stages"]["pair"]["revision"].endswith("+changes")


def test_a_stage_by_hand_and_one_that_fails_note_nothing(project):
    assert run("pair", name="NO_STAGE").returncode == 0
    assert run("pair", source="fails").returncode == 1
    assert not run_card.FILE.exists()
    assert run_card.revision() and not run_card.revision().endswith("+changes")


def test_outside_of_git_and_dvc_nothing_is_made_up(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_card.revision() is None and run_card.data() == {}


MERGED = "<<<<<<< HEAD\n{}\n=======\n"


@pytest.mark.parametrize("broken", [MERGED, "[]", "", '{"stages": 7}', '{"stages', "[" * 100_000, '{"stages": [1]}'])
def test_a_run_card_that_a_merge_has_broken_is_begun_anew_and_fails_no_stage(project, broken):
    run_card.FILE.parent.mkdir()
    run_card.FILE.write_text(broken)
    (project / "dvc.lock").write_text(broken)
    done = run("pair")
    assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
    assert json.loads(run_card.FILE.read_text())["stages"].keys() == {"pair"}
    assert "metrics/run.json is not what a run writes, perhaps after a merge: it is begun anew." in done.stderr


@pytest.mark.parametrize("in_the_way", ["metrics", "metrics/run.json/mine"])
def test_a_run_card_that_cannot_be_written_is_said_and_fails_no_stage(project, in_the_way):
    if in_the_way == "metrics":
        (project / in_the_way).write_text("a file")
    else:
        (project / in_the_way).mkdir(parents=True)
    done = run("pair")
    assert done.returncode == 0 and "this run is not noted there" in done.stderr and "Traceback" not in done.stderr


def test_stages_that_end_at_once_are_all_noted(project):
    note = "from s2i.core import run_card; import sys; run_card.note(sys.argv[1], 1)"
    environment = {"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"}
    names = ["pair", "matte", "caption"]
    processes = [subprocess.Popen([sys.executable, "-c", note, name], env=environment) for name in names]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert json.loads(run_card.FILE.read_text())["stages"].keys() == set(names)
