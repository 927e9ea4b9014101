"""The whole pipeline, as a user runs it, in a clone with tiny parameters."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml
from helpers.tiny import save_base

from s2i.core.output_folders import whole_folder

HERE = Path(__file__).parents[2]
PHOTOS = 14
TINY = {
    "base": "data/base",
    "rank": 2,
    "resolution": 64,
    "workers": {"count": 1},
    "pair": {"styles": ["given", "xdog"]},
    "ingest": {"val": 0.2, "test": 0.3},
    "augment": {"variants": 2},
    "train": {"steps": 4, "batch_size": 2, "validate_every": 2, "checkpoint_every": 1},
    "generate": {"steps": 2},
    "evaluate": {"mosaic_rows": 2},
}


class Clone:
    """A clone of this repository in which commands run as in its virtual environment."""

    def __init__(self, folder: Path, cache: Path):
        self.folder = folder
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.environment = os.environ | {"PATH": path, "S2I_CACHE": str(cache), "PYTHONPATH": str(folder)}

    def run(self, *command: str, fails: bool = False) -> str:
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def edit(self, **changes) -> None:
        file = self.folder / "params.yaml"
        values = yaml.safe_load(file.read_text())
        for name, change in changes.items():
            values[name] = values[name] | change if isinstance(change, dict) else change
        file.write_text(yaml.safe_dump(values))

    def changed_stages(self) -> set[str]:
        return set(json.loads(self.run("dvc", "status", "--json", "dvc.yaml")))


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone after its first ``dvc repro``, with a few photos and a base of random weights."""
    folder = tmp_path_factory.mktemp("clone") / "s2i"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=HERE, capture_output=True, text=True
    )
    for name in listed.stdout.splitlines():
        if (HERE / name).is_file() and not name.startswith(("data/base/", "metrics/", "dvc.lock", "pipelines/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE / name, folder / name)
    table = pd.read_csv(folder / "data/photos/photos.csv").head(PHOTOS)
    table.to_csv(folder / "data/photos/photos.csv", index=False)
    save_base(folder / "data/base")
    clone = Clone(folder, tmp_path_factory.mktemp("work"))
    clone.run("git", "init", "--quiet")
    clone.run("git", "add", "--all")
    clone.run("git", "-c", "user.name=s2i", "-c", "user.email=s2i@example.com", "commit", "--quiet", "-m", "photos")
    clone.edit(**TINY)
    clone.run("dvc", "repro")
    return clone


def test_one_command_leads_from_photos_to_scored_images(clone):
    figures = json.loads((clone.folder / "metrics/evaluate.json").read_text())
    assert figures["images"] > 0
    intervals = pd.read_csv(clone.folder / "metrics/evaluate/intervals.csv").set_index(["set", "metric"])
    for model in ("base", "finetuned", "target", "shuffled"):
        for metric in ("st_lpips", "edge_f1", "window_count_error", "door_recall", "color_match"):
            low, high = intervals.loc[(model, metric), ["low", "high"]]
            assert low <= figures[model][metric] <= high
    assert "st_lpips" in figures["gap"]["style"] and "st_lpips" in figures["gap"]["prompt"]
    assert (clone.folder / "metrics/evaluate/mosaic.png").exists()
    noted = json.loads((clone.folder / "metrics/run.json").read_text())
    assert {"ingest", "train", "evaluate"} <= noted["stages"].keys() and "data/photos" in noted["data"]
    counted = json.loads((clone.folder / "metrics/ingest.json").read_text())
    assert counted["photos"] == PHOTOS
    surveyed = json.loads((clone.folder / "metrics/data.json").read_text())
    assert surveyed["photos"] == PHOTOS and surveyed["coverage"]["holes"]
    assert 0 < surveyed["matte_iou"]["mean"] <= 1 and surveyed["sketch_f1"]["xdog"]["mean"] > 0.5
    assert (clone.folder / "metrics/data/coverage.png").exists() and (clone.folder / "metrics/data/README.md").exists()


def test_a_second_run_has_nothing_to_do(clone):
    assert clone.changed_stages() == set()
    assert "up to date" in clone.run("dvc", "repro")


def test_another_rank_concerns_training_onward_only(clone):
    clone.edit(rank=3)
    assert clone.changed_stages() == {"train"}
    clone.edit(rank=2)


def test_a_student_is_taught_where_the_parameters_say_so_and_gone_where_they_do_not(clone):
    student, figures = clone.folder / "models/student", clone.folder / "metrics/distill.json"
    assert not any(student.glob("[!.]*")) and json.loads(figures.read_text()) == {}
    clone.edit(distill={"steps": 2, "rank": 2, "batch_size": 2, "validate_every": 1})
    assert clone.changed_stages() == {"distill"}
    clone.run("dvc", "repro")
    assert {"teacher_50", "student_4"} <= json.loads(figures.read_text()).keys()
    assert (student / "generate.json").exists() and clone.changed_stages() == set()
    clone.edit(distill={"steps": 0})
    clone.run("dvc", "repro")
    assert not any(student.glob("[!.]*"))


def test_another_prompt_template_concerns_the_stages_that_know_words_only(clone):
    wordings = clone.folder / "s2i/vocabulary/wordings.yaml"
    before = wordings.read_text()
    assert "a photo of a" in before
    wordings.write_text(before.replace("a photo of a", "an image of a"))
    changed = clone.changed_stages()
    assert {"caption", "augment"} <= changed and not changed & {"ingest", "pair", "matte"}
    wordings.write_text(before)


def test_an_edit_in_core_runs_stages_anew_which_find_their_work_and_write_the_same(clone):
    file, lock = clone.folder / "s2i/core/files.py", clone.folder / "dvc.lock"
    before, outputs = file.read_text(), written(lock)
    file.write_text(before + "\n# edited\n")
    output = clone.run("dvc", "repro", "augment")
    assert {stage for stage in outputs if f"Running stage '{stage}'" in output} == {
        *("ingest", "pair", "matte", "caption", "augment")
    }
    assert written(lock) == outputs
    file.write_text(before)
    clone.run("dvc", "repro", "augment")


def written(lock: Path) -> dict[str, list[str]]:
    """The hashes of what each stage wrote, out of dvc.lock."""
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    return {name: [output["md5"] for output in stage.get("outs", [])] for name, stage in stages.items()}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rank": 0}, "ingest: params.yaml: rank is 0, but input should be greater than or equal to 1."),
        ({"train": {"learning_rat": 1}}, "unknown key 'train.learning_rat', did you mean 'train.learning_rate'?"),
    ],
)
def test_a_wrong_parameter_is_one_sentence_and_no_traceback(clone, change, sentence):
    before = (clone.folder / "params.yaml").read_text()
    clone.edit(**change)
    output = clone.run("python", "stages/ingest.py", "data/photos", "data/refused", "refused.json", fails=True)
    (clone.folder / "params.yaml").write_text(before)
    assert sentence in output and "Traceback" not in output
    assert not (clone.folder / "data/refused").exists()


def test_a_killed_training_leaves_the_old_model_and_goes_on_where_it_stopped(clone):
    clone.edit(train={"steps": 200, "validate_every": 100}, seed=1)
    command = ["python", "stages/train.py", "data/augmented", "data/encoded", "live", "killed"]
    with whole_folder(clone.folder / "killed") as killed:
        (killed / "old").write_text("old")
    with subprocess.Popen(command, cwd=clone.folder, env=clone.environment, stderr=subprocess.PIPE) as training:
        began = time.monotonic()
        while not _checkpointed(clone, 10) and time.monotonic() < began + 60:
            time.sleep(0.05)
        training.send_signal(signal.SIGKILL)
        training.stderr.read()
    assert _checkpointed(clone, 10), "it did not get to its tenth step in a minute"
    assert (clone.folder / "killed/old").read_text() == "old"
    clone.edit(train={"steps": 200, "validate_every": 100}, seed=1)
    again = clone.run(*command)
    clone.edit(train=TINY["train"], seed=0)
    first = int(again.split("train:")[1].split("| ")[1].split("/")[0])
    assert first >= 10, "goes on after the steps it had done"
    assert not (clone.folder / "killed/old").exists() and (clone.folder / "killed/controlnet").is_dir()


def test_two_processes_train_the_stage_as_one_does_and_dvc_takes_what_they_wrote(clone):
    clone.edit(seed=7, precision="fp32")
    clone.run("dvc", "repro", "encode")
    losses = {}
    for processes in ("1", "2"):
        shutil.rmtree(Path(clone.environment["S2I_CACHE"]) / "training", ignore_errors=True)  # or it would be over
        launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", processes]
        paths = ["data/augmented", "data/encoded", "metrics/train", "models/trained"]
        clone.run("env", "ACCELERATE_USE_CPU=true", *launch, "stages/train.py", *paths)
        table = pd.read_csv(clone.folder / "metrics/train/plots/metrics/loss.tsv", sep="\t")
        losses[processes] = list(table["loss"])
    assert len(losses["1"]) == 4
    assert losses["2"] == pytest.approx(losses["1"], rel=1e-4)
    clone.run("dvc", "commit", "--force", "train")
    assert "train" not in clone.changed_stages()
    clone.run("dvc", "repro")
    assert clone.changed_stages() == set()


@pytest.mark.slow
def test_an_ablation_is_run_once_and_leaves_the_workspace_as_it_was(clone):
    study = {
        "seeds": [0],
        "reference": "modified",
        "common": {"train.steps": 2, "train.validate_every": 1},
        "without_prompts": ["modified"],
        "sweeps": {"dW": {"key": "train.adapter_learning_rate", "values": [1e-3, 1e-2]}},
        "groups": {"all": {"none": {"adapter": "none"}, "modified": {"sweep": "dW", "adapter": "modified", "rank": 2}}},
        "seconds": {"step": 1, "edge": 1, "stages": 30, "validation": 1},
    }
    (clone.folder / "studies/ablation/experiments.yaml").write_text(yaml.safe_dump(study))
    clone.run("git", "add", "--all")
    clone.run("git", "-c", "user.name=s2i", "-c", "user.email=s2i@example.com", "commit", "--quiet", "-m", "figures")
    output = clone.run("python", "studies/ablation/run.py")
    assert "== ablation-modified-rate-0.01, 2 of 2" in output
    assert "== ablation-modified-0-without-prompts, " in output and ", 3 of 3" in output
    sweep = pd.read_csv(clone.folder / "docs/ablation-sweep.csv")
    assert sorted(sweep["rate"]) == [1e-3, 1e-2] and sweep["validation_error"].between(0, 1).all()
    table = pd.read_csv(clone.folder / "docs/ablation.csv")
    assert set(zip(table["experiment"], table["prompts"], strict=True)) == {
        ("none", "given"),
        ("modified", "given"),
        ("modified", "empty"),
    }
    assert (table.groupby("experiment")["trained"].first() > 0).to_dict() == {"none": False, "modified": True}
    assert "3 of 3 runs" in (clone.folder / "docs/ablation.md").read_text()
    assert "ablation-modified-0" in clone.run("dvc", "exp", "list", "--name-only")
    changed = clone.run("git", "status", "--porcelain").split()[1::2]
    tables = {"docs/ablation.csv", "docs/ablation-sweep.csv"}
    assert set(changed) == {"docs/ablation.md", "docs/ablation.png", *tables}
    assert "==" not in clone.run("python", "studies/ablation/run.py"), "all of it stands in the table"


def _checkpointed(clone: Clone, step: int) -> bool:
    from safetensors import safe_open

    for file in Path(clone.environment["S2I_CACHE"]).glob("training/*/weights/last.safetensors"):
        with safe_open(file, "pt") as checkpoint:
            progress = json.loads(checkpoint.metadata()["progress"])
        if progress["step"] >= step:
            return True
    return False
