import json

import numpy as np
import pandas as pd
import pytest

from s2i.core.errors import UserError
from s2i.core.params import Evaluate
from s2i.dataset.sketching import sketches
from s2i.evaluation import evaluate, memorisation, reading, scoring, summary
from s2i.evaluation.diversity import diversity
from s2i.imaging import io, tensors
from s2i.metrics.intervals import mean_interval
from s2i.metrics.registry import METRICS, improvement
from s2i.metrics.structure import count_windows
from s2i.networks import lpips
from s2i.vocabulary.buildings import LABELS

WALL = np.zeros((64, 64), np.uint8)
WALL[16:48, 16:48] = 255


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("evaluation")


@pytest.fixture(scope="module")
def records(folder, house):
    """Six photos, two images a model each: the fine-tuned ones nearly the photo, the base's another house."""
    rows = []
    for number in range(6):
        photo = io.resize_and_crop(house(number), 64)
        for variant, style in enumerate(("given", "xdog")):
            row = {"id": f"{number:016x}", "variant": variant, "sketch_style": style, "prompt": "house"}
            row |= {"generation_seed": number, "windows": 4}
            noise = np.random.default_rng(variant).integers(-6, 7, photo.shape)
            other = io.resize_and_crop(house(number + 50, wall=(60, 90, 200)), 64)[:, ::-1]
            close = (photo + noise).clip(0, 255).astype(np.uint8)
            sketch = sketches.draw_sketch(photo, "xdog", row["id"])
            images = {"photo": photo, "finetuned": close, "base": other, "sketch": sketch, "matte": WALL}
            images |= {"base_edges": (photo // 2 + other // 2), "autoencoder": photo // 8 * 8}
            images |= {"truth_labels": WALL // 255 * LABELS["window"]}
            images |= {"unprompted": other} if variant else {}
            for name, image in images.items():
                row[name] = str(folder / name / f"{number}-{variant}.png")
                io.write_png(folder / name / f"{number}-{variant}.png", np.ascontiguousarray(image))
            rows.append(row)
    return rows


@pytest.fixture(scope="module")
def figures(records, folder):
    (folder / "out").mkdir()
    with pytest.MonkeyPatch.context() as patch, pytest.warns(UserWarning, match="biased upwards"):
        patch.setenv("S2I_CACHE", str(folder / "cache"))
        patch.setattr(lpips, "absence", lambda net: "no index carries VGG16" if net == "vgg" else None)
        return evaluate.evaluate(records, folder / "out", Evaluate(mosaic_rows=3))


@pytest.fixture(scope="module")
def intervals(figures, folder):
    """{set: {metric: row of intervals.csv}}."""
    table = pd.read_csv(folder / "out/intervals.csv")
    return {name: rows.set_index("metric").to_dict("index") for name, rows in table.groupby("set")}


def test_another_photo_of_another_shape_is_scored_in_the_size_of_the_photo(folder, house, tmp_path):
    files = []
    for name, size in (("wide", (64, 43)), ("square", (64, 64))):
        files.append(str(tmp_path / f"{name}.png"))
        io.write_png(tmp_path / f"{name}.png", io.resize_and_crop(house(1), size))
    assert reading.read_fitted(files[1], files[0]).shape == (43, 64, 3)
    with pytest.raises(UserError, match=r"square\.png is 64 x 64 and its photo .* 64 x 43: draw it"):
        reading.read_alike(files[1], files[0])


def test_training_photos_of_several_shapes_have_features(folder, house, tmp_path):
    files = []
    for number, size in enumerate([(64, 43), (64, 64), (64, 43)]):
        files.append(str(tmp_path / f"{number}.png"))
        io.write_png(tmp_path / f"{number}.png", io.resize_and_crop(house(number), size))
    assert memorisation.training_features(files).shape == (6, 1280)


def test_photos_of_several_shapes_are_scored_as_each_alone_and_in_their_order(folder, house):
    sizes, rows = [(64, 64), (64, 43), (43, 64), (64, 43)], []
    for number, size in enumerate(sizes):
        photo = io.resize_and_crop(house(number), size)
        row = {"id": f"{number:016x}", "sketch_style": "given", "prompt": "house"}
        for name, image in {"photo": photo, "drawn": np.ascontiguousarray(photo[:, ::-1])}.items():
            row[name] = str(folder / f"shapes-{number}-{name}.png")
            io.write_png(folder / f"shapes-{number}-{name}.png", image)
        rows.append(row)
    networks = scoring.load(None)
    together, features = scoring.score(rows, {"drawn": [row["drawn"] for row in rows]}, networks, 2)
    for number, row in enumerate(rows):
        alone, of_one = scoring.score([row], {"drawn": [row["drawn"]]}, networks, 2)
        pd.testing.assert_frame_equal(
            together["drawn"].iloc[[number]].reset_index(drop=True), alone["drawn"], rtol=1e-4
        )
        for name in ("drawn", "photos"):
            np.testing.assert_allclose(
                features[name]["efficientnet_lite0"][number], of_one[name]["efficientnet_lite0"][0], atol=1e-4
            )


def test_the_nearer_images_score_better_with_intervals_that_do_not_overlap(figures, intervals):
    base, finetuned = intervals["base"], intervals["finetuned"]
    for metric in ("lpips", "lpips_matte", "st_lpips", "st_lpips_matte"):
        assert finetuned[metric]["high"] < base[metric]["low"]
    for metric in ("edge_f1", "ssim", "psnr", "resketch_f1"):
        assert finetuned[metric]["low"] > base[metric]["high"]
    assert figures["finetuned"]["fd_efficientnet_lite0"] < figures["base"]["fd_efficientnet_lite0"]
    assert figures["finetuned"]["kid_efficientnet_lite0"] < figures["base"]["kid_efficientnet_lite0"]
    assert figures["finetuned"]["kid_efficientnet_lite0_se"] > 0


def test_the_gain_is_the_paired_difference(figures, intervals):
    for baseline in ("base", "base_edges"):
        gain = figures["finetuned"]["st_lpips"] - figures[baseline]["st_lpips"]
        assert figures["gain_over"][baseline]["st_lpips"] == pytest.approx(gain, abs=1e-3)
    assert intervals["gain"]["st_lpips"]["high"] < 0 < intervals["gain"]["edge_f1"]["low"]


def test_the_gain_is_over_the_better_baseline_of_each_metric(figures):
    for metric in METRICS.keys() & figures["gain"].keys():
        gain = figures["gain"][metric]
        over = [figures["gain_over"][baseline][metric] for baseline in ("base", "base_edges")]
        assert gain == (max if improvement(metric) < 0 else min)(over)
    assert figures["gain"]["st_lpips"] == figures["gain_over"]["base_edges"]["st_lpips"], "half a photo"


def test_the_gain_in_kid_has_an_interval_by_leaving_photos_out(figures, intervals, folder):
    gain = figures["finetuned"]["kid_efficientnet_lite0"] - figures["base"]["kid_efficientnet_lite0"]
    interval = intervals["gain_over.base"]["kid_efficientnet_lite0"]
    assert interval["mean"] == pytest.approx(gain, rel=1e-2) and interval["low"] < interval["mean"] < interval["high"]
    table = pd.read_csv(folder / "out/leave_one_out.csv", dtype={"without": str}).query("model == 'finetuned'")
    assert table["without"].isna().sum() == 1 and len(table) == 1 + 6
    whole = table[table["without"].isna()]["distance"].item()
    assert figures["finetuned"]["kid_efficientnet_lite0"] == pytest.approx(whole, rel=1e-3)


def test_sharpness_is_a_ratio_to_the_photos(figures):
    assert figures["target"]["sharpness"] == figures["target"]["band_power_fine"] == 1
    assert figures["autoencoder"]["sharpness"] > 0 and "sharpness" in figures["styles"]["xdog"]


def test_images_that_are_training_photos_are_found(records, folder, tmp_path):
    training = [record["photo"] for record in records[6:]]
    copies = [record | {"finetuned": training[0], "base": record["photo"]} for record in records[:6]]
    with pytest.warns(UserWarning, match="biased"):
        figures = evaluate.evaluate(copies, tmp_path, Evaluate(), training=training)
    assert figures["finetuned"]["nearer_to_training"] == 1 and figures["base"]["nearer_to_training"] == 0
    shown = io.read(tmp_path / "nearest.jpg")
    assert shown.shape[1] == 4 * 64 + 3 * 4, "sketch, fine-tuned, nearest training photo, target"


def test_a_mirrored_copy_of_a_training_photo_is_one(records):
    features = memorisation.training_features([record["photo"] for record in records[::2]])
    photo = io.read(records[2]["photo"])
    from s2i.networks.efficientnet import efficientnet_lite0

    mirrored = efficientnet_lite0()(tensors.to_unit_range(tensors.stack([photo[:, ::-1]]))).numpy()
    found = memorisation.nearest(mirrored, -mirrored, features)
    assert found.photo == [1] and found.excess == pytest.approx([2], abs=1e-3)


def test_diversity_is_how_much_images_of_one_sketch_differ(records, tmp_path):
    same = [record | {"other_seeds": [record["finetuned"]] * 3} for record in records[:2]]
    varied = [record | {"other_seeds": [record["base"]]} for record in records[:2]]
    assert diversity(same, 0.95)["lpips"]["mean"] == 0 and diversity(same, 0.95)["equal_edges"]["mean"] == 1
    found = diversity(varied, 0.95)
    assert found["lpips"]["mean"] > 0.1 and found["edge_f1_spread"]["mean"] > 0.05
    assert diversity(records, 0.95) == {}


def test_intervals_are_over_groups_of_photos_where_photos_have_groups(records, figures, tmp_path):
    grouped = [record | {"group": "even" if int(record["id"], 16) % 2 else "odd"} for record in records]
    with pytest.warns(UserWarning, match="biased"):
        evaluate.evaluate(grouped, tmp_path, Evaluate(mosaic_rows=3))
    table = pd.read_csv(tmp_path / "per_image.csv")
    assert set(table["group"]) == {"even", "odd"}
    rows = pd.read_csv(tmp_path / "intervals.csv").query("set == 'finetuned' and metric == 'ssim'")
    values = table[table["model"] == "finetuned"]
    assert rows["low"].item() == pytest.approx(mean_interval(values["ssim"], list(values["group"]))["low"], rel=1e-3)


def test_photos_themselves_and_other_photos_give_the_figures_a_scale(figures):
    target, shuffled = figures["target"], figures["shuffled"]
    assert target["st_lpips"] == 0 and target["ssim"] == target["edge_f1"] == target["window_recall"] == 1
    assert shuffled["st_lpips"] > figures["finetuned"]["st_lpips"] and shuffled["edge_f1"] < 0.9


def test_the_figures_are_short_json_numbers_that_dvc_shows(figures):
    from dvc.repo.metrics.show import _extract_metrics

    assert figures["images"] == 12 and figures["photos"] == 6
    shown = json.loads(json.dumps(_extract_metrics(figures, "evaluate.json"), allow_nan=False))
    assert "left_out" not in shown and "low" not in json.dumps(shown)
    assert all(len(str(value).lstrip("-0.").replace(".", "")) <= 4 for value in shown["finetuned"].values())


def test_the_photos_show_what_the_window_counter_itself_gets_wrong(figures, records):
    photos = [io.read(record["photo"]) for record in records]
    wrong = np.mean([abs(count_windows(photo) - 4) for photo in photos])
    assert figures["target"]["window_count_error"] == pytest.approx(wrong, rel=1e-3)
    assert figures["target"]["rectangle_error"] == 0


def test_what_is_left_out_is_named_with_its_reason(figures):
    reasons = {(one["metric"], one.get("of")): one["reason"] for one in figures["left_out"]}
    assert reasons["lpips_vgg", None] == reasons["lpips_vgg_matte", None] == "no index carries VGG16"
    assert "lpips" in figures["finetuned"]
    assert "CLIP is not on this machine" in reasons["clip_score", None]
    assert "no record has a label map with a balcony" in reasons["balcony_recall", None]
    assert "no record is described with a material" in reasons["material_match", None]
    assert "12 of 12 images equal their photos" in reasons["psnr", "target"]
    assert not reasons.keys() & {(name, None) for name in figures["finetuned"]}


def test_every_style_of_sketch_has_figures_and_drawings_by_hand_a_gap(figures):
    assert figures["styles"]["xdog"]["resketch_f1"] > 0.9 and "resketch_f1" not in figures["styles"]["given"]
    gap = figures["styles"]["given"]["st_lpips"] - figures["styles"]["xdog"]["st_lpips"]
    assert figures["gap"]["style"]["st_lpips"] == pytest.approx(gap, rel=0.01, abs=1e-4)


def test_sketches_in_styles_never_trained_on_have_a_gap_to_the_other_made_ones():
    styles = {"given": 0.9, "xdog": 0.5, "ink": 0.7, "charcoal": 0.4, "stipple": 0.2}
    rows = [{"id": id, "sketch_style": style, "edge_f1": f1} for id in "abc" for style, f1 in styles.items()]
    table = pd.DataFrame(rows)
    assert summary.new_style_gap(table, 0.95)["edge_f1"]["mean"] == pytest.approx(0.3 - 0.6)
    assert summary.style_gap(table, 0.95)["edge_f1"]["mean"] == pytest.approx(0.9 - 0.6), "they are in no other gap"


def test_images_drawn_without_a_prompt_have_a_gap_to_those_with_one(figures):
    assert figures["gap"]["prompt"]["st_lpips"] > 0.05 and figures["gap"]["prompt"]["edge_f1"] < 0


def test_every_image_has_a_row_with_what_it_was_drawn_from(figures, folder):
    table = pd.read_csv(folder / "out" / "per_image.csv", dtype={"id": str})
    assert len(table) == 48 and set(table["model"]) == {"base", "base_edges", "autoencoder", "finetuned"}
    mean = table.groupby("model")["st_lpips"].mean()["base"]
    assert mean == pytest.approx(figures["base"]["st_lpips"], rel=1e-3)
    assert table["resketch_f1"].isna().sum() == 24, "a drawing that came along cannot be drawn again"


def test_images_to_look_at_are_written(figures, folder):
    mosaic = io.read(folder / "out" / "mosaic.png")
    assert mosaic.shape[1] == 4 * 64 + 3 * 4, "sketch, base, fine-tuned, target"
    photo = io.read(folder / "photo" / "0-0.png")
    assert (mosaic[18 : 18 + 64, -64:] == photo).all(), "the first target stands at the upper right"
    for name in ("figures.png", "worst.jpg", "best.jpg"):
        assert io.read(folder / "out" / name).std() > 0


def test_scores_of_the_same_images_are_not_computed_again(records, figures, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("S2I_CACHE", str(folder / "cache"))
    monkeypatch.setattr(lpips, "absence", lambda net: "no index carries VGG16" if net == "vgg" else None)
    monkeypatch.setattr(scoring, "load", lambda *_: pytest.fail("computed again"))
    assert evaluate.evaluate(records, tmp_path, Evaluate(mosaic_rows=3)) == figures
    tables = [(place / "per_image.csv").read_bytes() for place in (folder / "out", tmp_path)]
    assert tables[0] == tables[1]


def test_one_image_has_means_without_intervals_and_no_distance_of_sets(records, tmp_path):
    figures = evaluate.evaluate(records[:1], tmp_path, Evaluate())
    assert figures["finetuned"]["st_lpips"] > 0 and "fd_efficientnet_lite0" not in figures["finetuned"]
    reasons = {one["metric"]: one["reason"] for one in figures["left_out"]}
    assert "needs at least 2 in each; found 1" in reasons["fd_efficientnet_lite0"]


def test_black_images_are_scored_with_finite_numbers(records, tmp_path):
    io.write_png(tmp_path / "black.png", np.zeros((64, 64, 3), np.uint8))
    black = [record | {"finetuned": str(tmp_path / "black.png")} for record in records[:4]]
    with pytest.warns(UserWarning, match="biased"):
        figures = evaluate.evaluate(black, tmp_path, Evaluate())
    assert figures["finetuned"]["edge_f1"] == 0 and figures["finetuned"]["st_lpips"] > 0.3
    assert all(np.isfinite(value) for value in figures["finetuned"].values())


@pytest.mark.parametrize("broken", ["of another size", "missing"])
def test_an_image_that_cannot_be_compared_is_one_sentence(records, tmp_path, broken):
    file = tmp_path / "drawn.png"
    if broken == "of another size":
        io.write_png(file, np.zeros((32, 64, 3), np.uint8))
    bad = [records[0] | {"finetuned": str(file)}, *records[1:3]]
    said = (
        r"drawn\.png is 64 x 32 and its photo .* 64 x 64: draw it" if file.exists() else r"drawn\.png is missing: run"
    )
    with pytest.raises(UserError, match=said):
        evaluate.evaluate(bad, tmp_path, Evaluate())


def test_a_feature_that_is_no_number_leaves_the_distance_out(records, tmp_path, monkeypatch):
    look = scoring.look

    def broken(images, networks):
        seen = look(images, networks)
        seen.features["efficientnet_lite0"][0, 0] = float("nan")
        return seen

    monkeypatch.setattr(scoring, "look", broken)
    figures = evaluate.evaluate(records[:4], tmp_path, Evaluate())
    reasons = {one["metric"]: one["reason"] for one in figures["left_out"]}
    assert "needs finite features" in reasons["fd_efficientnet_lite0"]
    assert "NaN" not in json.dumps(figures)
