from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

pytest.importorskip("mitsuba")

from s2i.embedded.rendering import grammar, massing, write
from s2i.embedded.rendering.camera import frame_building
from s2i.embedded.rendering.line_drawing import line_drawing
from s2i.embedded.rendering.render import render
from s2i.embedded.rendering.shapes import Model
from s2i.embedded.rendering.shot import LENSES, LIGHTS, Day
from s2i.imaging import io
from s2i.vocabulary.buildings import COLORS, LABELS, MATERIALS, SITE, STYLES, VIEWS

SIZE = 64
EVENING = Day("evening", 30, 7, 0, 0.3)
PARTS = {  # structure and style, a feature, and labels of the parts that it brings
    ("office tower", "modern", ""): {"window", "door", "roof"},
    ("hotel", "modern", ""): {"window", "door", "column"},
    ("hall", "modern", ""): {"window", "door", "roof"},
    ("shed", "rural", ""): {"window", "door", "roof"},
    ("steel frame", "modern", ""): {"frame"},
    ("unfinished house", "rural", "scaffold"): {"wall", "scaffold"},
    ("rotunda", "neoclassical", ""): {"window", "door", "stairs", "column"},
    ("terrace", "gothic", ""): {"window", "door", "stairs", "railing", "chimney"},
    ("church", "gothic", "tower"): {"window", "door", "roof"},
    ("villa", "american", "porch"): {"column", "railing", "stairs", "door"},
    ("villa", "neoclassical", "dormers"): {"window", "roof", "chimney"},
    ("apartment block", "american", "fire escape"): {"window", "fire escape"},
}


def building_that(wanted):
    """The building of the first seed that is as `wanted`."""
    return next(one for one in map(grammar.sample_building, range(10_000)) if wanted(one))


def rendered(wanted, size=SIZE):
    """The rendering of the first seed whose building is as `wanted`, nothing standing before it."""
    return render(replace(building_that(wanted), clutter=()), size, 4)


def built(building):
    """The building alone, as triangles."""
    model = Model(np.random.default_rng(0))
    massing.build(model, building)
    return model


def plain_front(building):
    """Nothing of the house stands before its front windows: each of them is one piece of the image."""
    hidden = building.balconies or building.columns or building.curved or building.glass
    seen = building.view == "centre" and building.shot.lens == "shift"
    return seen and building.structure == "house" and building.style == "modern" and not hidden


@pytest.fixture(scope="module")
def house():
    return rendered(with_a_balcony)


def with_a_balcony(building):
    plain = not building.features and building.shot.lens == "shift" and building.view != "centre"
    return building.structure == "house" and building.balconies and building.style == "american" and plain


def test_the_same_seed_gives_the_same_image_truth_and_drawing(house):
    again = rendered(with_a_balcony)
    for name in ("image", "labels", "matte", "depth", "normals"):
        assert np.array_equal(getattr(house, name), getattr(again, name)), name
    assert np.array_equal(line_drawing(house, 3), line_drawing(again, 3))
    assert not np.array_equal(line_drawing(house, 3), line_drawing(house, 4))


def test_the_label_map_shows_the_parts_that_the_counts_name(house):
    present = set(np.unique(house.labels))
    assert {LABELS[name] for name in ("sky", "ground", "wall", "window", "balcony", "roof")} <= present
    assert house.windows > 0 and house.balconies == 1
    outside = np.isin(house.labels, [LABELS[name] for name in SITE])
    assert house.matte[outside].mean() < 20 and house.matte[~outside].mean() > 235
    assert (house.depth[house.labels == LABELS["sky"]] == 0).mean() > 0.9
    lengths = np.linalg.norm(house.normals[house.labels == LABELS["wall"]], axis=-1)
    assert (np.abs(lengths - 1) < 1e-3).mean() > 0.98  # a pixel at the edge may see the sky


def test_depth_and_image_are_seen_by_the_same_camera():
    building = replace(building_that(lambda one: one.view == "left" and one.shot.lens == "high"), clutter=())
    found = render(building, SIZE, 1)
    camera = frame_building(building, np.concatenate([piece.vertices for piece in built(building).pieces]))
    grid = (np.arange(SIZE) + 0.5) / SIZE - 0.5
    across, up = (grid + camera.shift[0]) * 2 * camera.half, (-grid + camera.shift[1]) * 2 * camera.half
    rays = camera.forward + across[None, :, None] * camera.right + up[:, None, None] * camera.up
    rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
    heights = (camera.eye + rays * found.depth[..., None])[..., 2]
    near = (found.labels == LABELS["ground"]) & (found.depth < 60)
    assert near.any() and np.median(np.abs(heights[near])) < 0.05


def test_windows_are_counted_as_they_can_be_seen():
    front = rendered(plain_front, size=128)
    count, _, stats, _ = cv2.connectedComponentsWithStats((front.labels == LABELS["window"]).astype(np.uint8))
    assert front.windows == (stats[1:count, cv2.CC_STAT_AREA] >= 5).sum() > 2


@pytest.mark.parametrize(("structure", "style", "feature"), PARTS)
def test_each_kind_of_building_is_put_together_from_its_parts(structure, style, feature):
    building = building_that(
        lambda one: (one.structure, one.style) == (structure, style) and (not feature or feature in one.features)
    )
    names = {number: name for name, number in LABELS.items()}
    model = built(building)
    assert PARTS[structure, style, feature] <= {names[model.labels[piece.part]] for piece in model.pieces}


@pytest.mark.parametrize("structure", ["office tower", "hotel", "steel frame", "terrace"])
def test_counts_agree_with_geometry_and_parts_are_in_the_label_map(structure):
    building = building_that(lambda one: one.structure == structure and one.view == "centre")
    found, labels = render(replace(building, clutter=()), 128, 1), built(building).labels
    windows, balconies = (labels.count(LABELS[name]) for name in ("window", "balcony"))
    assert 0.3 * windows <= found.windows <= windows
    assert found.balconies <= balconies and bool(balconies) == building.balconies
    assert (found.labels == LABELS["window"]).any() == (found.windows > 0)
    if structure == "office tower":
        assert windows >= building.bays * (building.storeys - 1) * 0.6 > 40
    if structure == "steel frame":
        assert windows == 0 and (found.labels == LABELS["frame"]).mean() > 0.03


def test_streets_have_cars_people_lamps_and_trees_that_are_labelled_and_not_the_building():
    clutter = ("vehicles", "people", "street lamp", "bare tree", "tree")
    building = building_that(lambda one: one.structure == "hotel" and one.shot.lens == "shift")
    building = replace(building, clutter=clutter, ground="street")
    found = render(building, 128, 1)
    for name in ("vehicle", "person", "street lamp", "tree"):
        mask = found.labels == LABELS[name]
        assert mask.any() and found.matte[mask].mean() < 128, name


def test_every_seed_frames_the_whole_building():
    for seed in range(700, 724):
        building = grammar.sample_building(seed)
        points = np.concatenate([piece.vertices for piece in built(building).pieces])
        camera = frame_building(building, points)
        depth, across, up = ((points - camera.eye) @ axis for axis in (camera.forward, camera.right, camera.up))
        at = np.stack([across / depth, up / depth], 1) / (2 * camera.half) - camera.shift
        assert depth.min() > 0.5 and np.abs(at).max() < 0.48, seed
        assert np.ptp(at, axis=0).max() > 0.7, seed


def test_every_seed_gives_a_lit_image_of_a_building():
    for seed in range(700, 706):
        found = render(replace(grammar.sample_building(seed), clutter=()), 48, 1)
        assert 0.04 < (found.matte > 128).mean() < 0.85, seed
        assert 25 < found.image.mean() < 235 and found.image.std() > 12, seed


def test_it_is_darker_and_warmer_in_the_evening():
    noon = replace(building_that(plain_front), clutter=(), day=Day("sun", 30, 45, 0, 0.3))
    by_light = {day.light: render(replace(noon, day=day), 32, 8).image.mean((0, 1)) for day in (noon.day, EVENING)}
    assert by_light["evening"].mean() < by_light["sun"].mean()
    assert by_light["evening"][0] / by_light["evening"][2] > by_light["sun"][0] / by_light["sun"][2]


def test_the_drawing_draws_the_edges_of_the_parts(house):
    ink = line_drawing(house, 0) < 200
    edges = cv2.morphologyEx(house.labels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    near_ink = cv2.dilate(ink.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    assert near_ink[edges].mean() > 0.85
    assert ink[edges].mean() > 2 * ink[~edges].mean()


def test_the_first_seeds_cover_the_grammar_and_spread_the_colours():
    buildings = [grammar.sample_building(seed) for seed in range(300)]
    for name, all_of_them in (
        ("style", STYLES),
        ("view", VIEWS),
        ("material", MATERIALS),
        ("structure", grammar.STRUCTURES),
        ("color", tuple(COLORS)),
    ):
        assert {getattr(building, name) for building in buildings} == set(all_of_them), name
    assert {building.day.light for building in buildings} == set(LIGHTS)
    assert {building.shot.lens for building in buildings} == set(LENSES)
    assert {name for one in buildings for name in one.clutter} == {
        name for kind in grammar.CLUTTER.values() for name in kind
    }
    features = {name for shares in grammar.FEATURES_OF.values() for name in shares}
    assert {name for one in buildings for name in one.features} == features
    share = [sum(building.color == color for building in buildings) / 300 for color in COLORS]
    assert min(share) > 0.05 and max(share) < 0.16
    kinds = [sum(building.structure == structure for building in buildings) for structure in grammar.STRUCTURES]
    assert min(kinds) >= 4 and max(kinds) <= 36


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
