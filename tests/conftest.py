"""Small photos and folders of them, and a work cache of each test's own."""

import subprocess
from pathlib import Path
from types import MappingProxyType

import pytest
import yaml
from helpers import houses
from helpers.params import tiny_params
from helpers.reports import git, scores, write_metrics
from PIL import Image

from s2i.core.params import Workers
from s2i.imaging import io


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch):
    """No test finds what another one, or the user, has made before."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("S2I_CACHE", str(folder))
    return folder


@pytest.fixture
def workers():
    return Workers(count=1)


@pytest.fixture(scope="session")
def house():
    """house(seed) is an image of a red house under a blue sky, (96, 128, 3) uint8, different for each seed."""
    return houses.house


@pytest.fixture
def photo_folder(tmp_path, house):
    """A folder of twenty different photos, house-00.png to house-19.png."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(20):
        Image.fromarray(house(number)).save(folder / f"house-{number:02}.png")
    return folder


@pytest.fixture
def ingested(photo_folder, tmp_path, workers):
    """The records of those photos, at 64 pixels."""
    from s2i.core.params import Ingest
    from s2i.dataset.ingest.photos import ingest

    folder = Path(tmp_path / "ingested")
    records, _ = ingest(photo_folder, folder, 64, 0, Ingest(), workers)
    return records


@pytest.fixture
def ingest_folder(tmp_path, workers):
    """ingest_folder(folder) ingests at 64 pixels, with seed 0 and the default parameters unless told otherwise.

    It gives the records, as the next stage reads them, figures, and {file: reason} of quarantine.csv.
    """
    from s2i.core import quarantine, records
    from s2i.core.params import Ingest
    from s2i.dataset.ingest.photos import ingest

    def ingest_folder(folder, seed=0, **params):
        target = tmp_path / "target"
        target.mkdir(exist_ok=True)
        made, figures = ingest(folder, target, 64, seed, Ingest(**params), workers)
        records.write(made, target)
        reasons = {row["file"]: row["reason"] for row in quarantine.read(target)}
        return list(records.Records(target)), figures, reasons

    return ingest_folder


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory):
    """A base of a few thousand weights, in the shape of Stable Diffusion."""
    from helpers.tiny import save_base  # with torch, which takes seconds

    return save_base(tmp_path_factory.mktemp("base"))


@pytest.fixture
def params(tiny_base):
    """params(**changes) for the tiny base."""

    def params(learning=MappingProxyType({}), **changes):
        train = {"steps": 4, "batch_size": 2, "learning_rate": 1e-3, "checkpoint_every": 1, "validate_every": 2}
        train |= {"validation_steps": 2}
        return tiny_params(tiny_base, train | learning, **changes)

    return params


@pytest.fixture
def offline_wandb(monkeypatch):
    """Weights & Biases that writes files and reaches for no server; the test is skipped where it is not installed."""
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")


@pytest.fixture
def examples(tmp_path, house):
    """Augmented records: six photos, the first four to train on, one each to validate and to test with."""
    rows = []
    for number, split in enumerate(["train"] * 4 + ["val", "test"]):
        photo = io.resize_and_crop(house(number), 64)
        row = {"id": f"{number * 7919:016x}", "split": split, "prompt": f"house {number}", "flip": number == 1}
        row |= {"variant": 0, "photo": str(tmp_path / f"{number}.png"), "sketch": str(tmp_path / f"{number}-s.png")}
        io.write_png(tmp_path / f"{number}.png", photo)
        io.write_png(tmp_path / f"{number}-s.png", io.grey(photo))
        rows.append(row)
    return rows


@pytest.fixture
def landscape_examples(examples, house):
    """Those records, their photos and sketches one and a half times as wide as high, 64 x 43."""
    for number, example in enumerate(examples):
        photo = io.resize_and_crop(house(number), (64, 43))
        io.write_png(Path(example["photo"]), photo)
        io.write_png(Path(example["sketch"]), io.grey(photo))
    return examples


@pytest.fixture
def encoded(examples, tiny_base, tmp_path):
    """The folder of the examples as they are encoded for the tiny base and its ControlNet."""
    from s2i.core.params import Encode
    from s2i.diffusion import base, encoding  # with torch and diffusers, which take seconds

    encoding.encode(examples, tmp_path / "encoded", base.load(tiny_base, None), str(tiny_base), ["sketch"], Encode())
    return tmp_path / "encoded"


@pytest.fixture
def fresh_accelerate():
    """Accelerate as in a new process, which computes in one number format and keeps to it."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture
def trained_controlnet(examples, encoded, tmp_path, params):
    """trained_controlnet(name, **changes) fine-tunes on the encoded examples and gives the folder."""
    from s2i.training.methods import controlnet

    def trained_controlnet(name="trained", **changes):
        (tmp_path / name).mkdir()
        controlnet.train(examples, encoded, tmp_path / name, tmp_path / f"{name}-live", params(**changes))
        return tmp_path / name

    return trained_controlnet


@pytest.fixture(params=["path", "consistency"])
def taught_student(request, examples, encoded, params, tiny_base, tmp_path):
    """A student of the tiny base's ControlNet, which is its own teacher, and what it was taught with."""
    from s2i.training.distillation.student import distil

    settings = {"steps": 4, "rank": 2, "batch_size": 2, "learning_rate": 3e-2, "validate_every": 2}
    chosen = params(distill=settings | {"loss": request.param, "warmup_steps": 0, "ema_decay": 0})
    student = tmp_path / "student"
    student.mkdir()
    live = tmp_path / "live"
    distil(examples, encoded, tiny_base, student, live, chosen)
    return student, chosen, live


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with params.yaml and metrics in its first commit, tagged old."""
    monkeypatch.chdir(tmp_path)
    values = yaml.safe_load((Path(__file__).parents[1] / "params.yaml").read_text())
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "dvc.yaml").write_text("params: [params.yaml]\n")
    git("init", "-q")
    subprocess.run(["dvc", "init", "-q"], check=True)
    write_metrics(tmp_path, scores(), 100)
    git("add", ".")
    git("commit", "-qm", "first")
    git("tag", "old")
    return tmp_path
