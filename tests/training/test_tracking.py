"""Where figures and images of a training go; test_generating.py looks at a whole training's."""

import json
import sys

import numpy as np
import pandas as pd
import pytest
from helpers import wandb_file
from PIL import Image

from s2i.core.errors import UserError
from s2i.training.tracking import Tracker, open_tracker

GREY = np.full((8, 8, 3), 128, np.uint8)


def log(tracker, *steps):
    for step in steps:
        tracker.figures(step, {"loss": 1 / step})
        if step % 2 == 0:
            tracker.figures(step, {"validation_loss": 2 / step})
            tracker.image(step, "validation", GREY)


def test_steps_that_a_killed_run_logged_too_are_kept_once(tmp_path):
    for steps in ([1, 2, 3], [2, 3, 4]):
        with open_tracker("dvclive", tmp_path / "live", {}) as tracker:
            log(tracker, *steps)
    table = pd.read_csv(tmp_path / "live/plots/metrics/loss.tsv", sep="\t")
    assert list(table["step"]) == [1, 2, 3, 4]
    newest = json.loads((tmp_path / "live/metrics.json").read_text())
    assert newest["loss"] == 0.25 and newest["step"] == 4
    assert (np.asarray(Image.open(tmp_path / "live/plots/images/validation.png")) == 128).all()


def test_wandb_has_figures_and_images_by_step_and_the_settings(offline_wandb, tmp_path):
    with open_tracker("wandb", tmp_path / "training/live", {"rank": 4}) as tracker:
        log(tracker, 1, 2, 3, 4)
        tracker.figures(4, {"best_step": 2})
    (file,) = tmp_path.rglob("*.wandb")
    rows = wandb_file.history(file)
    assert [(row["_step"], row["loss"]) for row in rows] == [(1, 1), (2, 1 / 2), (3, 1 / 3), (4, 1 / 4)]
    assert rows[1]["validation_loss"] == 1 and rows[3]["best_step"] == 2 and "best_step" not in rows[2]
    image = Image.open(file.parent / "files" / rows[3]["validation.path"])
    assert image.size == (8, 8) and wandb_file.config(file)["rank"] == 4


def test_wandb_writes_nothing_into_the_folder_that_becomes_the_metrics(offline_wandb, tmp_path):
    with open_tracker("wandb", tmp_path / "training/live", {}) as tracker:
        log(tracker, 1, 2)
    assert {path.name for path in (tmp_path / "training/live").iterdir()} == {"metrics.json", "plots"}


def test_a_run_that_fails_is_closed_and_goes_on_under_its_name(offline_wandb, tmp_path):
    with (
        pytest.raises(UserError, match="stopped"),
        open_tracker("wandb", tmp_path / "training/live", {}) as tracker,
    ):
        log(tracker, 1, 2, 3)
        raise UserError("stopped")
    with open_tracker("wandb", tmp_path / "training/live", {}) as tracker:
        log(tracker, 2, 3, 4)
    runs = [[row["_step"] for row in wandb_file.history(file)] for file in tmp_path.rglob("run-training.wandb")]
    assert sorted(runs) == [[1, 2, 3], [2, 3, 4]]


def test_steps_that_wandb_has_already_are_not_sent_again(tmp_path):
    class Run:
        step, sent = 3, []

        def log(self, values, step):
            self.sent.append((step, values))

    with open_tracker("dvclive", tmp_path / "live", {}) as tracker:
        log(Tracker(tracker.live, Run()), 1, 3, 5)
    assert Run.sent == [(3, {"loss": 1 / 3}), (5, {"loss": 1 / 5})]


def test_wandb_that_is_not_installed_or_not_logged_in_is_one_clear_sentence(tmp_path, monkeypatch):
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "wandb", None)
        with pytest.raises(UserError, match=r"wandb is not installed: pip install -e '.\[wandb\]'"):
            open_tracker("wandb", tmp_path / "live", {}).__enter__()
    wandb = pytest.importorskip("wandb")

    def init(**_):
        raise wandb.Error("No API key configured.")

    monkeypatch.setattr(wandb, "init", init)
    with pytest.raises(UserError, match=r"W&B gives no run \(No API key configured.\): run `wandb login`, or set"):
        open_tracker("wandb", tmp_path / "live", {}).__enter__()


def test_figures_that_a_killed_run_left_half_written_do_not_stop_the_next(tmp_path):
    with open_tracker("dvclive", tmp_path / "live", {}) as tracker:
        log(tracker, 1, 2)
    (tmp_path / "live/metrics.json").write_text('{"loss": 0.')
    with open_tracker("dvclive", tmp_path / "live", {}) as tracker:
        log(tracker, 3)
    assert list(pd.read_csv(tmp_path / "live/plots/metrics/loss.tsv", sep="\t")["step"]) == [1, 2, 3]
    assert json.loads((tmp_path / "live/metrics.json").read_text())["step"] == 3


def test_a_full_disk_is_one_clear_sentence(tmp_path, monkeypatch):
    with open_tracker("dvclive", tmp_path / "live", {}) as tracker:
        full = lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))  # noqa: E731
        monkeypatch.setattr(tracker.live, "make_summary", full)
        with pytest.raises(
            UserError, match=r"figures .* not be written to .*live \(.*No space left.*\): free some space"
        ):
            tracker.figures(1, {"loss": 1.0})
        monkeypatch.undo()
