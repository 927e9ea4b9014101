"""The trials of tests/bad_inputs, and that the harness notices every bad outcome."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.trials import BAD, RIGHT, Call, Found, Trial, named, refused, run

from s2i.core.errors import UserError

PROJECT = Path(__file__).parents[1]


def outcome(step, expected=RIGHT, **options) -> Found:
    """What came of a trial that prepares nothing and calls a function."""
    return run(Trial("harness", "a call", lambda folder: None, expected, (Call(step),), **options))


def refuse(folder):
    raise UserError("photos.csv line 3 is too long: shorten it.")


def quarantine(folder):
    (folder / "data/ingested").mkdir()
    (folder / "data/ingested/quarantine.csv").write_text("file,reason\nx.png,empty file\n", encoding="utf-8")


def test_a_sentence_a_name_and_a_right_outcome_are_told_apart():
    assert outcome(refuse, refused("line 3 is too long")).outcome == "sentence"
    assert outcome(quarantine, named("x.png: empty")).outcome == "named"
    assert outcome(lambda folder: None).outcome == "right"


def test_another_sentence_or_another_status_is_wrong():
    assert outcome(refuse, refused("line 4")).outcome == "wrong"
    assert outcome(refuse).outcome == "wrong"
    assert outcome(lambda folder: sys.exit("x" * 3000), refused("x")).outcome == "wrong"


def test_what_is_not_said_is_silent():
    assert outcome(lambda folder: None, refused("line 3")).outcome == "silent"
    assert outcome(quarantine, named("y.png")).outcome == "silent"


def test_a_traceback_and_a_killed_process_are_noticed():
    assert outcome(lambda folder: 1 / 0, refused("division")).outcome == "traceback"
    assert outcome(lambda folder: os.kill(os.getpid(), signal.SIGKILL), refused("")).outcome == "traceback"


def test_a_file_that_is_changed_or_gone_is_noticed():
    edit = "data/photos/house-00.png"
    assert outcome(lambda folder: (folder / edit).write_bytes(b"")).outcome == "damage"
    assert outcome(lambda folder: (folder / edit).unlink()).outcome == "lost"


def test_what_a_check_finds_counts():
    assert outcome(lambda folder: None, check=lambda folder: ("wrong", "11 photos")).words == "11 photos"


def test_what_does_not_end_hangs():
    assert outcome(lambda folder: time.sleep(60), seconds=0.2).outcome == "hang"


@pytest.mark.slow
def test_no_trial_ends_badly():
    done = subprocess.run([sys.executable, PROJECT / "tests/trials.py"], capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stdout[-10_000:]
    assert not any(line.startswith(BAD) for line in done.stdout.splitlines())
