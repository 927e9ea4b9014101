"""The trained model as an artifact, which registries and `dvc artifacts get` see."""

import subprocess
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo
from helpers.reports import git

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def released(tmp_path, monkeypatch):
    """A repository with the artifacts of ours, whose training writes one file, tagged as the model's first version."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    artifacts = yaml.safe_load((PROJECT / "dvc.yaml").read_text(encoding="utf-8"))["artifacts"]
    train = {"cmd": "echo weights > models/trained/weights", "outs": ["models/trained"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"train": train}, "artifacts": artifacts}))
    git("init", "-q")
    subprocess.run(["dvc", "init", "-q"], check=True)
    (folder / "models/trained").mkdir(parents=True)
    (folder / "models/trained/weights").write_text("weights")
    subprocess.run(["dvc", "commit", "--force", "--quiet"], check=True)
    git("add", ".")
    git("commit", "-qm", "trained")
    git("tag", "-a", "trained@v1.0.0", "-m", "the first version")
    return folder


def test_the_trained_model_is_an_artifact_that_dvc_reads():
    with Repo(str(PROJECT)) as repo:
        artifact = repo.artifacts.read()["dvc.yaml"]["trained"]
        assert any(output.def_path == artifact.path for output in repo.index.outs)
    assert artifact.type == "model" and artifact.desc and artifact.labels


def test_a_version_of_the_trained_model_can_be_fetched_by_its_name(released, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    subprocess.run(["dvc", "artifacts", "get", released, "trained"], check=True, capture_output=True)
    assert (elsewhere / "trained/weights").read_text() == "weights"
