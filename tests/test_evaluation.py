import json

import numpy as np
import pandas as pd
import pytest

from s2i import evaluation, images
from s2i.metrics.structure import count_windows
from s2i.params import Evaluate


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluation")


@pytest.fixture(scope="module")
def records(folder, house):
    """Six photos, two pictures a model each: the fine-tuned ones nearly the photo, the base's another house."""
    rows = []
    for number in range(6):
        photo = images.resize_and_crop(house(number), 64)
        for variant in range(2):
            row = {"id": f"{number:016x}", "variant": variant, "sketch_style": "xdog", "prompt": "house"}
            row |= {"generation_seed": number, "windows": 4}
            noise = np.random.default_rng(variant).integers(-6, 7, photo.shape)
            other = images.resize_and_crop(house(number + 50, wall=(60, 90, 200)), 64)[:, ::-1]
            close = (photo + noise).clip(0, 255).astype(np.uint8)
            pictures = {"photo": photo, "finetuned": close, "base": other, "sketch": images.grey(photo)}
            for name, picture in pictures.items():
                row[name] = str(folder / name / f"{number}-{variant}.png")
                images.write_png(folder / name / f"{number}-{variant}.png", np.ascontiguousarray(picture))
            rows.append(row)
    return rows


@pytest.fixture(scope="module")
def figures(records, folder):
    (folder / "out").mkdir()
    with pytest.MonkeyPatch.context() as patch, pytest.warns(UserWarning, match="biased upwards"):
        patch.setenv("S2I_CACHE", str(folder / "cache"))
        return evaluation.evaluate(records, folder / "out", Evaluate(mosaic_rows=3))


def test_the_nearer_pictures_score_better_with_intervals_that_do_not_overlap(figures):
    base, finetuned = figures["base"], figures["finetuned"]
    assert finetuned["st_lpips"]["high"] < base["st_lpips"]["low"]
    assert finetuned["edge_f1"]["low"] > base["edge_f1"]["high"]
    assert finetuned["fd_efficientnet_lite0"] < base["fd_efficientnet_lite0"]
    assert finetuned["kid_efficientnet_lite0"]["mean"] < base["kid_efficientnet_lite0"]["mean"]


def test_the_figures_are_json_and_count_the_pictures(figures):
    assert json.loads(json.dumps(figures))["images"] == 12


def test_the_photos_show_what_the_window_counter_itself_gets_wrong(figures, records):
    photos = [images.read(record["photo"]) for record in records]
    wrong = np.mean([abs(count_windows(photo) - 4) for photo in photos])
    assert figures["photos"]["window_count_error"]["mean"] == pytest.approx(wrong)


def test_every_picture_has_a_row_with_what_it_was_drawn_from(figures, folder):
    table = pd.read_csv(folder / "out" / "per_image.csv", dtype={"id": str})
    assert len(table) == 24 and set(table["model"]) == {"base", "finetuned"}
    assert table.groupby("model")["st_lpips"].mean()["base"] == pytest.approx(figures["base"]["st_lpips"]["mean"])


def test_without_truth_there_is_no_window_count_error(records, tmp_path):
    (tmp_path / "blind").mkdir()
    blind = [record | {"windows": None} for record in records]
    with pytest.warns(UserWarning):
        figures = evaluation.evaluate(blind, tmp_path / "blind", Evaluate())
    assert "window_count_error" not in figures["base"] and figures["photos"] == {}


def test_a_mosaic_and_a_plot_are_written(figures, folder):
    mosaic = images.read(folder / "out" / "mosaic.png")
    assert mosaic.shape[1] == 4 * 64 + 3 * 4, "sketch, base, fine-tuned, target"
    photo = images.read(folder / "photo" / "0-0.png")
    assert (mosaic[18 : 18 + 64, -64:] == photo).all(), "the first target stands at the upper right"
    assert images.read(folder / "out" / "figures.png").std() > 0


def test_scores_of_the_same_pictures_are_not_computed_again(records, tmp_path, monkeypatch):
    settings = Evaluate(mosaic_rows=3)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    figures = evaluation.evaluate(records, tmp_path / "first", settings)
    for name in ("edge_f1", "window_count_error"):
        monkeypatch.setattr(evaluation, name, lambda *_: pytest.fail("computed again"))
    assert evaluation.evaluate(records, tmp_path / "second", settings) == figures
    tables = [(tmp_path / name / "per_image.csv").read_bytes() for name in ("first", "second")]
    assert tables[0] == tables[1]
