"""The workflows of the repository: their shell steps as GitHub runs them, with a stand-in for `gh` alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from helpers.reports import scores, write_metrics

PROJECT = Path(__file__).parents[2]
WORKFLOWS = sorted((PROJECT / ".github/workflows").glob("*.yml"))


@pytest.fixture
def checkout(repository):
    """A repository with the scripts, a Makefile whose environment is this one, and a `gh` that notes its calls."""
    shutil.copytree(PROJECT / ".ci", repository / ".ci")
    (repository / "Makefile").write_text("ready:\n\t@echo environment is ready\n")
    tools = repository / ".venv/bin"
    tools.mkdir(parents=True)
    script = f"#!/bin/sh\nexec {sys.executable} -c 'from s2i.cli import main; main()' \"$@\"\n"
    gh = '#!/bin/sh\necho "$@" >> gh.txt\ncase "$*" in *--jq*) cat known.txt ;; esac\n'
    for name, content in {"s2i": script, "gh": gh}.items():
        (tools / name).write_text(content)
        (tools / name).chmod(0o755)
    (repository / "known.txt").write_text("")
    return repository


def run(folder, script, **environment):
    path = f"{folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(PROJECT)} | environment
    return subprocess.run([folder / ".ci" / script], env=environment, capture_output=True, text=True)


def test_the_steps_report_on_a_worse_run_fail_where_asked_and_comment_in_place(checkout):
    write_metrics(checkout, scores(seed=1, harm=0.1), 200)
    done = run(checkout, "report", AGAINST="old")
    assert done.returncode == 0, done.stderr
    assert "environment is ready" in done.stdout and "edge_f1" in done.stdout
    failed = run(checkout, "report", AGAINST="old", FAIL_ON_WORSE="yes")
    assert failed.returncode == 1 and "worse than old by edge_f1" in failed.stderr

    pull = {"REPOSITORY": "we/s2i", "PULL_REQUEST": "7", "RUN_URL": "https://example.com/runs/1", "GH_TOKEN": "token"}
    assert run(checkout, "comment", **pull).returncode == 0
    (checkout / "known.txt").write_text("31\n32\n")
    assert run(checkout, "comment", **pull).returncode == 0
    listed, posted, _, patched = (checkout / "gh.txt").read_text().splitlines()
    assert "repos/we/s2i/issues/7/comments --jq" in listed
    assert "--method POST repos/we/s2i/issues/7/comments --field body=@report/comment.md" in posted
    assert "--method PATCH repos/we/s2i/issues/comments/31 " in patched
    comment = (checkout / "report/comment.md").read_text()
    assert comment.startswith("<!-- s2i report -->") and "(https://example.com/runs/1)" in comment
    assert "mosaic.png in the artifact: sketch, old, this run, target" in comment and "](mosaic.png)" not in comment


def test_without_a_report_there_is_no_comment(checkout):
    done = run(checkout, "comment", REPOSITORY="we/s2i", PULL_REQUEST="7", RUN_URL="")
    assert done.returncode == 0 and "no report" in done.stderr and not (checkout / "gh.txt").exists()


def test_the_steps_are_scripts_of_this_repository_and_the_token_is_the_workflows_own():
    assert [file.stem for file in WORKFLOWS] == ["report", "tests"]
    for file in WORKFLOWS:
        assert "secrets." not in file.read_text()
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            for step in job["steps"]:
                assert step.keys() & {"uses", "run"}
                if "run" in step:
                    assert os.access(PROJECT / step["run"], os.X_OK), f"{step['run']} is a script that can be run"
