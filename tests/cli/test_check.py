"""What `s2i check` and `s2i preset` say of 35 pairs of photo and sketch."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml
from helpers.files import PARAMS
from helpers.ingest import sketch_of
from PIL import Image

from s2i import cli
from s2i.cli import checks
from s2i.core import params_file

OURS = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def pairs(tmp_path, monkeypatch, house):
    """The layout of the architecture set: 35 photos, a sketch each, in a project with our params.yaml."""
    monkeypatch.chdir(tmp_path)
    for name in ("Images", "Sketches"):
        (tmp_path / "data/photos" / name).mkdir(parents=True)
    for number in range(1, 36):
        image = Image.fromarray(house(number)).resize((1024, 768))
        image.save(tmp_path / f"data/photos/Images/image_{number}.png")
        sketch_of(np.asarray(image)).save(tmp_path / f"data/photos/Sketches/sketch_{number}.png")
    values = yaml.safe_load(OURS.read_text(encoding="utf-8"))
    values["ingest"]["source"] = "paired"
    values["workers"]["count"] = 1
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    return tmp_path


@pytest.mark.parametrize("name", ["sd15", "sd15-photos"])
def test_a_preset_says_where_35_photos_go(pairs, capsys, name):
    cli.main(["preset", name])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "35 photos: 25 train, 4 val, 6 test"


def test_a_preset_is_written_though_the_photos_are_laid_out_otherwise(pairs, capsys):
    (pairs / "data/photos/Sketches").rename(pairs / "data/photos/Drawings")
    cli.main(["preset", "sd15"])
    assert "Sketches is not a folder" in capsys.readouterr().out
    assert params_file.load().rank == 512


def said(capsys, *arguments):
    """{subject: sentences} of `s2i check`, and how it ended."""
    ended = None
    try:
        cli.main(["check", *arguments])
    except SystemExit as end:
        ended = str(end)
    found = {}
    for line in capsys.readouterr().out.splitlines():
        subject, sentence = re.fullmatch(r"(.{14}) (.*)", line).groups()
        found.setdefault(subject.strip(), []).append(sentence)
    return found, ended


def test_what_looks_wrong_for_35_photos_is_said_in_one_screen(pairs, capsys):
    found, ended = said(capsys, "--quick")
    assert found["photos"] == ["35 photos: 15 train, 4 val, 16 test"]
    doubts = " ".join(found["! params.yaml"])
    assert "ingest.test 0.45 keeps 16 of 35 photos from the training" in doubts
    assert found["! controlnet"] == [
        "data/base/controlnet is no folder here and no hub id: set controlnet to one of them"
    ]
    assert "data/base/attributes.safetensors is missing" in found["! caption"][0]
    assert re.match(r"s2i check: \d of these lines begin with '!'", ended)
    assert sum(map(len, found.values())) < 24


def test_photos_that_ingest_refuses_are_refused_in_its_words(pairs, capsys):
    found, _ = said(capsys, "nowhere", "--quick")
    assert found["! photos"] == ["nowhere is not a folder: put your photos there, or name another one in dvc.yaml."]


def test_memory_disk_and_hours_are_measured(pairs, capsys, tiny_base):
    (pairs / "params.yaml").write_text(PARAMS.format(base=tiny_base) + "ingest: {source: paired, test: 0.18}\n")
    found, _ = said(capsys)
    assert found["base"] == [f"{tiny_base}, a folder here"]
    assert re.match(r"\d+\.\d GB while training, \d+\.\d GB are free", found["memory"][0])
    assert re.match(r"\d+\.\d GB for checkpoints and examples, [\d.]+ GB are free", found["disk"][0])
    assert re.match(r"about .* of training at most \(.* s a step\), .* of drawing", found["time"][0])


@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({"train": {"steps": 26250, "batch_size": 4}}, r"shows each of 15 photos 7,000 times"),
        ({"train": {"steps": 50}}, r"train.validate_every 100 is beyond train.steps"),
        ({"base": "some/sd15"}, r"resolution 128 is less than the 512 that some/sd15 has learned"),
    ],
)
def test_a_setting_that_does_not_suit_the_photos_is_named(pairs, changes, doubt):
    values = yaml.safe_load((pairs / "params.yaml").read_text())
    for key, value in changes.items():
        values[key] = values[key] | value if isinstance(value, dict) else value
    (pairs / "params.yaml").write_text(yaml.safe_dump(values))
    params = params_file.load()
    photos = checks.read_photos(pairs / "data/photos", params)
    assert any(re.search(doubt, sentence) for sentence in checks.doubts(photos, params))
