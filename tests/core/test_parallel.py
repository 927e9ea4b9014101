import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
import yaml
from helpers.stages import DATA_STAGES

from s2i.core import records
from s2i.core.errors import UserError
from s2i.core.parallel import fan_out
from s2i.core.params import Params, Workers
from s2i.dataset.augmentation.examples import augment
from s2i.dataset.captioning.captions import caption
from s2i.dataset.ingest.photos import ingest
from s2i.dataset.matting.mattes import cut_backgrounds
from s2i.dataset.sketching.sketches import pair
from s2i.dataset.survey.survey import survey
from s2i.imaging import io

HERE = Path(__file__).parents[2]


def square(number):
    return number * number


def node(_):
    import ray

    time.sleep(0.3)  # short tasks would go to one worker in one batch
    return ray.get_runtime_context().get_node_id()


def process(_):
    return os.getpid()


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


DIED = r"a process that was sketching died, .*: lower workers\.count in params\.yaml and run again"


def test_a_worker_that_dies_is_one_sentence(monkeypatch):
    monkeypatch.setattr("s2i.core.parallel.PATIENCE", -1)
    monkeypatch.setattr("s2i.core.parallel._processes_run", True)
    with pytest.raises(UserError, match=DIED):
        list(fan_out(die, range(4), "sketching", Workers(count=2)))


@pytest.mark.slow
def test_a_ray_worker_that_dies_is_one_sentence(tmp_path):
    pytest.importorskip("ray")
    script = "from test_parallel import *; list(fan_out(die, range(4), 'sketching', Workers(count=2, engine='ray')))"
    paths = {"PYTHONPATH": os.pathsep.join([str(HERE), str(HERE / "tests/core"), str(HERE / "tests")])}
    done = subprocess.run([sys.executable, "-c", script], env=os.environ | paths, capture_output=True, text=True)
    assert done.returncode == 1 and re.search(DIED, done.stderr), done.stderr


def test_little_work_starts_no_processes_and_much_work_does(monkeypatch):
    monkeypatch.setattr("s2i.core.parallel._processes_run", False)
    assert set(fan_out(process, range(40), "asking", Workers(count=2))) == {os.getpid()}
    monkeypatch.setattr("s2i.core.parallel.PATIENCE", 0)
    assert len(set(fan_out(process, range(40), "asking", Workers(count=2)))) > 1


@pytest.mark.parametrize("patience", [0, 3])
@pytest.mark.parametrize("workers", [1, 2, -1])
def test_results_stand_in_the_order_of_the_items_whatever_the_workers(workers, patience, monkeypatch):
    monkeypatch.setattr("s2i.core.parallel.PATIENCE", patience)
    monkeypatch.setattr("s2i.core.parallel._processes_run", False)
    squares = fan_out(square, range(40), "squaring", Workers(count=workers))
    assert list(squares) == [number**2 for number in range(40)]


def data_stages(photos, folder, params):
    """Every file that the data stages make of a folder of photos, by name, and the figures of the survey."""
    workers, probes = params.workers, Path(params.caption.attributes)
    rows, _ = ingest(photos, folder / "ingested", params.resolution, params.seed, params.ingest, workers)
    rows = list(pair(rows, folder / "paired", params.pair, workers))
    rows = list(cut_backgrounds(rows, folder / "matted", params.matte, workers))
    (folder / "captioned").mkdir()
    rows = list(caption(rows, folder / "captioned", params.caption, workers, "cpu", "fp32"))
    records.write(rows, folder / "captioned")
    figures = survey(rows, (folder / "ingested",), folder / "surveyed", params.survey, probes, workers)
    examples = augment(rows, folder / "augmented", params.seed, params.augment, params.conditions, workers)
    records.write(examples, folder / "augmented")
    return written(folder), figures


def written(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def described(photo_folder):
    """The folder of the twenty photos, the truth about half of which is known."""
    lines = ["file,sketch,labels,matte,structure,color"]
    for number, photo in enumerate(sorted(photo_folder.glob("*.png"))):
        grey, name = io.read_grey(photo), photo.name
        for kind, image in {"sketch": 255 - cv2.Canny(grey, 80, 160), "labels": grey // 64, "matte": grey}.items():
            io.write_png(photo_folder / kind / name, image)
        lines.append(f"{name},sketch/{name},labels/{name},matte/{name},house,red" if number % 2 else f"{name},,,,,")
    (photo_folder / "photos.csv").write_text("\n".join(lines), encoding="utf-8")
    for unused in photo_folder.glob("*/house-?[02468].png"):
        unused.unlink()
    return photo_folder


@pytest.fixture
def settings():
    """settings(**workers) is a tree of parameters for the twenty photos."""
    ours = yaml.safe_load((HERE / "params.yaml").read_text())
    changes = {"resolution": 64, "conditions": ["sketch", "material"], "ingest": {}, "augment": {"variants": 2}}
    changes |= {
        "pair": {"styles": ["given", "pencil", "xdog", "canny", "line"]},
        "matte": {"background": "white"},
        "device": "cpu",
    }
    changes |= {"caption": {"attributes": str(HERE / "data/base/attributes.safetensors")}}
    return lambda **workers: Params(**ours | changes | {"workers": workers})


@pytest.fixture
def in_one_process(settings, described, tmp_path, monkeypatch):
    """What one process makes of the twenty photos, with a cache of its own."""
    with monkeypatch.context() as patch:
        patch.setenv("S2I_CACHE", str(tmp_path / "cache"))
        return data_stages(described, tmp_path / "one", settings(count=1))


def test_every_stage_makes_the_same_with_one_worker_and_with_two(
    in_one_process, settings, described, tmp_path, monkeypatch
):
    monkeypatch.setattr("s2i.core.parallel.PATIENCE", 0)
    monkeypatch.setattr("s2i.core.parallel._processes_run", False)
    assert data_stages(described, tmp_path / "two", settings(count=2)) == in_one_process
    files, figures = in_one_process
    assert len(files) > 200 and {"matte_iou", "sketch_f1", "attribute_accuracy"} <= figures.keys()


def test_nothing_to_do_is_no_error():
    assert list(fan_out(square, [], "squaring", Workers())) == []


def test_ray_where_it_is_not_installed_is_one_clear_sentence(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray.util.joblib", None)
    with pytest.raises(UserError, match=r"workers.engine is ray, but ray is not installed: pip install -e '.\[ray\]'"):
        list(fan_out(square, [1], "squaring", Workers(engine="ray")))


@pytest.fixture
def two_nodes(tmp_path, monkeypatch):
    """The address of a Ray cluster of two nodes on this machine, whose processes stand in a folder of their own."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE / "tests/core"), str(HERE / "tests")]))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    yield cluster.address
    cluster.shutdown()


@pytest.mark.slow
def test_the_stages_on_two_ray_nodes_write_what_one_process_writes(
    two_nodes, in_one_process, settings, described, tmp_path, monkeypatch
):
    folder = tmp_path / "project"
    folder.mkdir()
    values = settings(engine="ray").model_dump(mode="json")
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    monkeypatch.setenv("RAY_ADDRESS", two_nodes)
    monkeypatch.setenv("S2I_CACHE", "cache")

    def run(*command):
        done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True)
        assert not done.returncode, done.stderr
        return done.stdout

    for stage, source, *others in DATA_STAGES:
        run(HERE / f"stages/{stage}.py", described if source == "photos" else source, *others)
    files, figures = in_one_process
    assert {name: made for name, made in written(folder).items() if name in files} == files
    assert json.loads((folder / "data.json").read_text()) == json.loads(json.dumps(figures))
    script = "from test_parallel import *; print(len(set(fan_out(node, range(12), 'asking', Workers(engine='ray')))))"
    assert run("-c", script).split()[-1] == "2", "both nodes work"
    (folder / "params.yaml").write_text(yaml.safe_dump(values | {"pair": {"styles": ["given"]}}))
    command = [sys.executable, HERE / "stages/pair.py", "ingested", "none"]
    refused = subprocess.run(command, cwd=folder, capture_output=True)
    sentence = refused.stderr.splitlines()[-1]
    assert refused.returncode == 1 and re.fullmatch(rb"pair: house-\d\d.png came without a sketch, .*", sentence)
    assert b"Traceback" not in refused.stderr
