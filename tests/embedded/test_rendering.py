import cv2
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("mitsuba")

from s2i.embedded.rendering import grammar, write
from s2i.embedded.rendering.line_drawing import line_drawing
from s2i.embedded.rendering.render import render
from s2i.imaging import io
from s2i.vocabulary.buildings import COLORS, LABELS, MATERIALS, STYLES, VIEWS

SIZE = 64


def rendered(wanted, size=SIZE):
    """The rendering of the first seed whose building is as `wanted`."""
    seed = next(seed for seed in range(10_000) if wanted(grammar.sample_building(seed)))
    return render(grammar.sample_building(seed), size, 4)


def plain_front(building):
    """Nothing stands before the front windows: each of them is one piece of the image."""
    hidden = building.balconies or building.columns or building.clutter or building.curved or building.glass
    return building.view == "centre" and building.structure == "house" and building.style == "modern" and not hidden


@pytest.fixture(scope="module")
def house():
    return rendered(lambda b: b.structure == "house" and b.balconies and b.style == "american")


def test_the_same_seed_gives_the_same_image_truth_and_drawing(house):
    again = rendered(lambda b: b.structure == "house" and b.balconies and b.style == "american")
    for name in ("image", "labels", "matte", "depth", "normals"):
        assert np.array_equal(getattr(house, name), getattr(again, name)), name
    assert np.array_equal(line_drawing(house, 3), line_drawing(again, 3))
    assert not np.array_equal(line_drawing(house, 3), line_drawing(house, 4))


def test_the_label_map_shows_the_parts_that_the_counts_name(house):
    present = set(np.unique(house.labels))
    assert {LABELS[name] for name in ("sky", "ground", "wall", "window", "balcony", "roof")} <= present
    assert house.windows > 0 and house.balconies == 1
    outside = np.isin(house.labels, [LABELS[name] for name in ("sky", "ground", "clutter")])
    assert house.matte[outside].mean() < 20 and house.matte[~outside].mean() > 235
    assert (house.depth[house.labels == LABELS["sky"]] == 0).mean() > 0.9
    assert np.allclose(np.linalg.norm(house.normals[house.labels == LABELS["wall"]], axis=-1), 1, atol=1e-3)


def test_windows_are_counted_as_they_can_be_seen():
    front = rendered(plain_front, size=128)
    count, _, stats, _ = cv2.connectedComponentsWithStats((front.labels == LABELS["window"]).astype(np.uint8))
    assert front.windows == (stats[1:count, cv2.CC_STAT_AREA] >= 5).sum() > 2


def test_the_drawing_draws_the_edges_of_the_parts(house):
    ink = line_drawing(house, 0) < 200
    edges = cv2.morphologyEx(house.labels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    near_ink = cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert near_ink[edges].mean() > 0.85
    assert ink[edges].mean() > 2 * ink[~edges].mean()


def test_the_first_seeds_cover_the_grammar_and_spread_the_colours():
    buildings = [grammar.sample_building(seed) for seed in range(400)]
    for name, all_of_them in (
        ("style", STYLES),
        ("view", VIEWS),
        ("material", MATERIALS),
        ("structure", grammar.STRUCTURES),
        ("color", tuple(COLORS)),
    ):
        assert {getattr(building, name) for building in buildings} == set(all_of_them), name
    share = [sum(building.color == color for building in buildings) / 400 for color in COLORS]
    assert min(share) > 0.06 and max(share) < 0.15


def test_a_resumed_corpus_renders_only_what_is_missing(tmp_path, monkeypatch):
    write.write_corpus(tmp_path, 3, 50, 32, 1, truth=True, workers=1)
    table = (tmp_path / "photos.csv").read_text()
    missing = tmp_path / "photos" / "0000051.jpg"
    before = missing.read_bytes()
    missing.unlink()
    seen = []
    monkeypatch.setattr(write, "sample_building", lambda seed: seen.append(seed) or grammar.sample_building(seed))
    write.write_corpus(tmp_path, 3, 50, 32, 1, truth=True, workers=1)
    assert seen == [51]
    assert missing.read_bytes() == before
    assert (tmp_path / "photos.csv").read_text() == table
    assert not list(tmp_path.rglob(".*"))


def test_renders_of_another_size_are_made_anew_and_those_beyond_the_count_are_not_listed(tmp_path, monkeypatch):
    write.write_corpus(tmp_path, 3, 50, 32, 1, truth=False, workers=1)
    write.write_corpus(tmp_path, 2, 50, 48, 1, truth=False, workers=1)
    table = pd.read_csv(tmp_path / "photos.csv")
    assert list(table["seed"]) == [50, 51]
    assert {io.read(tmp_path / file).shape for file in table["file"]} == {(48, 48, 3)}
