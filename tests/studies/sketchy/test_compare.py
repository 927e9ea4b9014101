"""What is measured of the variants of a study, and what becomes of one that failed."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from s2i.core import params, params_file, records
from s2i.core.errors import UserError
from s2i.imaging import io
from s2i.studies.sketchy import compare, items

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def study(rows, tmp_path):
    """A study whose variants are the references themselves, one image for everything, and one that failed."""
    test_items = [row for row in items.select(rows, 12, seed=0) if row["split"] == "test"]
    chosen = [row for row in rows if row["split"] == "train"] + test_items
    generated = tmp_path / "drawn"
    for name, image in {"same": None, "one": test_items[0]["sketch"]}.items():
        (generated / name).mkdir(parents=True)
        records.write([row | {"finetuned": image or row["sketch"]} for row in test_items], generated / name)
    (generated / "broken").mkdir()
    (generated / "broken/failed.txt").write_text("the loss is nan at step 3: lower the rate.")
    for name, subjects in {"same": ["barn", "tower"], "one": ["barn"]}.items():
        curves = tmp_path / "training" / name / "plots"
        (curves / "images").mkdir(parents=True)
        pd.DataFrame({"after": subjects, "subject": "barn", "mean": 0.5}).to_csv(curves / "forgetting.csv")
        io.write_png(curves / "images/forgetting.png", np.zeros((4, 4, 3), np.uint8))
    published = tmp_path / "published.yaml"
    published.write_text(
        yaml.safe_dump(
            {
                "source": "of others.",
                "by_vlm": ["same"],
                "to_reference": {"one": 12.5, "same": 3.5},
                "pairwise": {"a and b": 3},
            }
        )
    )
    tree = yaml.safe_load((PROJECT / "studies/sketchy/params.yaml").read_text())
    tree["variants"] = dict.fromkeys(("same", "one", "broken"))
    tree["study"] |= {"grids": [4, 9, 25], "published": str(published)}
    folder = tmp_path / "study"
    folder.mkdir()
    return chosen, generated, tmp_path / "training", tmp_path / "mosaics", folder, params.Params.model_validate(tree)


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
    assert np.isnan(table["published_fid"]["same"]), "the published one asked a vision language model, ours did not"
    page = (folder / "table.md").read_text()
    assert f"by chance it is right for {figures['chance']:.3g}:" in page and figures["chance"] == pytest.approx(
        1 / 3, 1e-3
    )
    assert "| broken | failed: the loss is nan" in page and "of others." in page and "a and b 3.00" in page
    matrix = pd.read_csv(folder / "pairwise_fd_efficientnet_lite0.csv", index_col=0)
    np.testing.assert_allclose(matrix, matrix.T, atol=1e-2)
    mosaic_names = {f"{name}-{size}.jpg" for name in ("same", "one") for size in (4, 9)}
    assert {file.name for file in mosaics.iterdir()} == {"all.jpg", *mosaic_names}
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
    rows, generated, training, mosaics, folder, settings = study
    shutil.rmtree(generated / "same")
    shutil.rmtree(generated / "one")
    (generated / "same").mkdir()
    (generated / "same/failed.txt").write_text("no.")
    only = settings.model_copy(update={"variants": {"same": None}})
    with pytest.raises(UserError, match=r"no variant drew anything: same: no\."):
        compare.compare(rows, generated, training, mosaics, folder, only)


def test_every_variant_of_the_study_has_known_settings():
    file = PROJECT / "studies/sketchy/params.yaml"
    names = list(yaml.safe_load(file.read_text())["variants"])
    loaded = {name: params_file.load(file, variant=name) for name in names}
    assert {params.method for params in loaded.values()} == {
        *("base", "controlnet", "text_in_the_middle", "dreambooth", "textual_inversion")
    }
    with pytest.raises(UserError, match=r"variants has no 'magic'; it has base,"):
        params_file.load(file, variant="magic")
