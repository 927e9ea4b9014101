"""The study: which sketches are drawn, what is measured of them, what becomes of a method that fails."""

import json
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
import yaml
from nbclient import NotebookClient
from PIL import Image

from s2i.core import params, params_file, records
from s2i.core.errors import UserError
from s2i.imaging import io
from s2i.studies.sketchy import compare, items, views

PROJECT = Path(__file__).parents[2]
LOOKS = {"barn": (172, 44, 40), "church": (40, 60, 170), "tower_(tall)": (230, 220, 60)}


@pytest.fixture
def rows(tmp_path, house):
    """Three classes: of each four photos to train on and four to test with, two sketches a photo, a record a sketch."""
    rows = []
    for number in range(24):
        label, split = list(LOOKS)[number % 3], "train" if number < 12 else "test"
        photo = io.resize_and_crop(house(number, LOOKS[label]), 64)
        row = {
            "id": f"{number:016x}",
            "split": split,
            "label": label,
            "prompt": label,
            "photo": tmp_path / f"{number}.png",
        }
        io.write_png(row["photo"], photo)
        row["sketches"] = {style: tmp_path / f"{number}-{style}.png" for style in ("given", "given-2")}
        for variant, (style, file) in enumerate(row["sketches"].items()):
            io.write_png(file, io.grey(photo) // (1 + variant))
            changes = {"variant": variant, "sketch": str(file), "sketch_style": style, "photo": str(row["photo"])}
            rows.append(row | changes | {"sketches": {name: str(one) for name, one in row["sketches"].items()}})
    return rows


def test_items_are_of_all_classes_alike_and_of_different_photos_first(rows):
    chosen = [row for row in items.select(rows, 9, seed=0) if row["split"] == "test"]
    assert pd.Series([row["label"] for row in chosen]).value_counts().tolist() == [3, 3, 3]
    assert len({row["id"] for row in chosen}) == 9
    assert chosen == [row for row in items.select(rows[::-1], 9, seed=0) if row["split"] == "test"]
    others = [row for row in items.select(rows, 9, seed=1) if row["split"] == "test"]
    assert chosen != others
    fewer = [row for row in items.select(rows, 6, seed=0) if row["split"] == "test"]
    assert all(row in chosen for row in fewer)


def test_fewer_items_than_asked_for_are_warned_of_and_none_are_refused(rows):
    with pytest.warns(UserWarning, match=r"study\.items is 100, and there are 24 held-out sketches"):
        items.select(rows, 100, seed=0)
    with pytest.raises(UserError, match=r"no held-out sketch to draw: raise ingest\.test"):
        items.select(rows[:8], 100, seed=0)


def test_a_probe_wants_two_classes(rows):
    with pytest.raises(UserError, match="fewer than two classes"):
        items.fit_probe([row for row in rows if row["label"] == "barn"], "sketch")


@pytest.fixture
def study(rows, tmp_path):
    """A study whose variants are the references themselves, one image for everything, and one that failed."""
    wanted = [row for row in items.select(rows, 12, seed=0) if row["split"] == "test"]
    chosen = [row for row in rows if row["split"] == "train"] + wanted
    drawn = tmp_path / "drawn"
    for name, image in {"same": None, "one": wanted[0]["sketch"]}.items():
        (drawn / name).mkdir(parents=True)
        records.write([row | {"finetuned": image or row["sketch"]} for row in wanted], drawn / name)
    (drawn / "broken").mkdir()
    (drawn / "broken/failed.txt").write_text("the loss is nan at step 3: lower the rate.")
    for name, subjects in {"same": ["barn", "tower"], "one": ["barn"]}.items():
        curves = tmp_path / "training" / name / "plots"
        (curves / "images").mkdir(parents=True)
        pd.DataFrame({"after": subjects, "subject": "barn", "mean": 0.5}).to_csv(curves / "forgetting.csv")
        io.write_png(curves / "images/forgetting.png", np.zeros((4, 4, 3), np.uint8))
    published = tmp_path / "published.yaml"
    published.write_text(
        yaml.safe_dump({"source": "of others.", "to_reference": {"one": 12.5}, "pairwise": {"a and b": 3}})
    )
    tree = yaml.safe_load((PROJECT / "studies/sketchy/params.yaml").read_text())
    tree["variants"] = dict.fromkeys(("same", "one", "broken"))
    tree["study"] |= {"grids": [4, 9, 25], "published": str(published)}
    folder = tmp_path / "study"
    folder.mkdir()
    return chosen, drawn, tmp_path / "training", tmp_path / "mosaics", folder, params.Params.model_validate(tree)


def test_a_study_ranks_its_variants_and_marks_the_hole(study):
    *_, mosaics, folder, _ = study
    figures = compare.compare(*study)
    same, one = (figures["variants"][name] for name in ("same", "one"))
    assert same["fd_efficientnet_lite0"] == pytest.approx(0, abs=1e-6)
    assert same["label_accuracy"] >= 0.5 and one["label_accuracy"] == pytest.approx(1 / 3, abs=1e-4)
    assert figures["failed"] == {"broken": "the loss is nan at step 3: lower the rate."} and figures["items"] == 12
    table = pd.read_csv(folder / "table.csv", index_col="variant")
    assert list(table.index)[-1] == "one" and table["fd_efficientnet_lite0_low"]["one"] > 1
    assert table["published_fid"]["one"] == 12.5
    said = (folder / "table.md").read_text()
    assert "| broken | failed: the loss is nan" in said and "of others." in said and "a and b 3.00" in said
    matrix = pd.read_csv(folder / "pairwise_fd_efficientnet_lite0.csv", index_col=0)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-2)
    made = {f"{name}-{size}.jpg" for name in ("same", "one") for size in (4, 9)}
    assert {file.name for file in mosaics.iterdir()} == {"all.jpg", *made}
    with Image.open(mosaics / "same-9.jpg") as image:
        assert image.size == (3 * 64 + 2 * 4,) * 2
    assert [file.name for file in sorted(folder.glob("forgetting-*"))] == [
        "forgetting-same.csv",
        "forgetting-same.png",
    ]
    for name in ("ranked.png", "matrix.png", "classes.png", "overview.jpg"):
        assert np.asarray(Image.open(folder / name)).std() > 5


def test_a_class_that_was_not_trained_on_is_warned_of(study):
    rows, *others = study
    with pytest.warns(UserWarning, match="no training sketch is of class barn: the probe cannot tell it"):
        compare.compare([row for row in rows if row["split"] == "test" or row["label"] != "barn"], *others)


def test_a_study_in_which_nothing_was_drawn_is_refused(study):
    rows, drawn, training, mosaics, folder, settings = study
    shutil.rmtree(drawn / "same")
    shutil.rmtree(drawn / "one")
    (drawn / "same").mkdir()
    (drawn / "same/failed.txt").write_text("no.")
    only = settings.model_copy(update={"variants": {"same": None}})
    with pytest.raises(UserError, match=r"no variant drew anything: same: no\."):
        compare.compare(rows, drawn, training, mosaics, folder, only)


def test_every_variant_of_the_study_has_known_settings():
    file = PROJECT / "studies/sketchy/params.yaml"
    names = list(yaml.safe_load(file.read_text())["variants"])
    loaded = {name: params_file.load(file, variant=name) for name in names}
    assert {one.method for one in loaded.values()} == {
        *("base", "controlnet", "text_in_the_middle", "dreambooth", "textual_inversion")
    }
    with pytest.raises(UserError, match=r"variants has no 'magic'; it has base,"):
        params_file.load(file, variant="magic")


def test_views_count_photos_and_sketches(rows, tmp_path):
    photos = views.table(rows)
    assert len(photos) == 24 and photos["sketches"].eq(2).all()
    assert photos.groupby(["label", "split"]).size().eq(4).all()
    views.write(rows, tmp_path)
    for name in ("classes.png", "sketches.png", "samples.jpg"):
        assert np.asarray(Image.open(tmp_path / name)).std() > 5


def test_the_notebook_runs(rows, tmp_path, monkeypatch):
    (tmp_path / "records").mkdir()
    records.write(rows, tmp_path / "records")
    monkeypatch.setenv("S2I_RECORDS", str(tmp_path / "records"))
    notebook = nbformat.read(PROJECT / "notebooks/look_at_the_data.ipynb", as_version=4)
    NotebookClient(notebook, resources={"metadata": {"path": str(PROJECT / "notebooks")}}, timeout=120).execute()
    shown = json.dumps([cell.get("outputs") for cell in notebook.cells])
    assert shown.count("image/png") == 3
