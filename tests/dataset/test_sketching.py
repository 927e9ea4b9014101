import os
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml

from s2i.core import params
from s2i.core.errors import UserError
from s2i.core.parameters.fields import HELD_OUT_STYLES
from s2i.core.params import Pair
from s2i.dataset.augmentation import paper
from s2i.dataset.sketching import styles
from s2i.dataset.sketching.scene import LEVELS
from s2i.dataset.sketching.sketches import pair
from s2i.dataset.sketching.styles import DRAWN, STYLES, TRACED
from s2i.imaging import edges, io
from s2i.metrics.structure import edge_f1

PROJECT = Path(__file__).parents[2]
PHOTOS = PROJECT / "data" / "photos" / "photos"


def drawn(style, image, seed=0, abstraction="mixed"):
    return styles.draw(image, style, seed, abstraction)


def strokes(sketch):
    """Darker than half between paper and the darkest stroke, 255 or 0."""
    sheet, darkest = np.percentile(sketch, (90, 1))
    return (sketch < (sheet + darkest) / 2).astype(np.uint8) * 255


@pytest.fixture(scope="module")
def some_photos():
    return [io.read(file) for file in sorted(PHOTOS.glob("*.jpg"))[3::40]]


@pytest.mark.parametrize("style", TRACED)
def test_a_traced_sketch_is_dark_strokes_on_white_where_the_photo_has_edges(style, house):
    sketch = drawn(style, house())
    assert sketch.shape == (96, 128) and sketch.dtype == np.uint8
    assert np.median(sketch[:20]) > 200, "the sky is paper"
    assert sketch[24:29, 40:90].min() < 120, "the top of the wall is drawn"


@pytest.mark.parametrize("style", DRAWN)
def test_a_drawing_is_darker_strokes_on_light_paper(style, some_photos):
    for seed, (photo, abstraction) in enumerate(zip(some_photos, LEVELS, strict=True)):
        sketch = drawn(style, photo, seed, abstraction)
        assert sketch.shape == photo.shape[:2] and sketch.dtype == np.uint8
        assert np.percentile(sketch, 95) > 180, "paper is light, be it tinted"
        assert np.percentile(sketch, 95) - np.percentile(sketch, 1) > 45, "strokes stand out"
        assert 0.002 < (strokes(sketch) > 0).mean() < 0.5


@pytest.mark.parametrize("style", STYLES)
def test_the_same_seed_draws_the_same_sketch(style, house):
    assert (drawn(style, house()) == drawn(style, house())).all()


@pytest.mark.parametrize("style", DRAWN)
def test_another_seed_is_another_hand(style, some_photos):
    one, other = (drawn(style, some_photos[0], seed, "fine").astype(int) for seed in (1, 2))
    assert np.abs(one - other).mean() > 3


@pytest.mark.parametrize("style", [style for style in DRAWN if style not in HELD_OUT_STYLES])
def test_lines_are_where_the_photo_s_are_and_fewer_the_more_abstract(style, some_photos):
    """Against Canny's edges within 2 pixels of 256: over 15 photos .85 to .92, .75 to .81 and .60 to .63."""
    fine, middle, gist = (
        np.mean(
            [
                edge_f1(strokes(drawn(style, photo, seed, level)), edges.canny(photo), tolerance=2)
                for seed, photo in enumerate(some_photos)
            ]
        )
        for level in LEVELS
    )
    assert fine > 0.75 and fine > middle + 0.03 and middle > gist + 0.03


def test_mixed_levels_differ_from_photo_to_photo_and_are_one_of_the_three(some_photos):
    levels = []
    for seed in range(6):
        mixed = drawn("ink", some_photos[1], seed)
        levels += [level for level in LEVELS if (drawn("ink", some_photos[1], seed, level) == mixed).all()]
    assert len(levels) == 6 and len(set(levels)) > 1


@pytest.mark.parametrize("shape", [(64, 64), (64, 400), (500, 90)])
@pytest.mark.parametrize("style", DRAWN)
def test_photos_may_be_tiny_wide_or_tall(style, shape, some_photos):
    photo = io.resize_and_crop(some_photos[0], 512)[: shape[0], : shape[1]]
    sketch = drawn(style, photo)
    assert sketch.shape == shape and sketch.std() > 2


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("style", DRAWN)
def test_a_blank_photo_is_nearly_blank_paper(style, value):
    sketch = drawn(style, np.full((64, 96, 3), value, np.uint8))
    assert sketch.shape == (64, 96) and np.median(sketch) > 100


@pytest.mark.parametrize("style", DRAWN)
def test_large_photos_are_drawn_in_seconds_with_strokes_that_grow(style, some_photos):
    began = time.process_time()
    large = drawn(style, io.resize_and_crop(some_photos[2], 1024), abstraction="fine")
    assert time.process_time() - began < 4
    small = drawn(style, some_photos[2], abstraction="fine")
    shrunk = io.resize_and_crop(large, 256)
    assert abs(float(shrunk.mean()) - float(small.mean())) < 40, "about as dark at any size"


def test_styles_never_trained_on_are_refused_among_those_to_train_on_and_drawn_of_test_photos(
    ingested, tmp_path, workers
):
    with pytest.raises(ValueError, match=r"never trained on, .* name it in pair.test_styles"):
        Pair(styles=["pencil", HELD_OUT_STYLES[0]])
    assert not set(HELD_OUT_STYLES) & set(get_args(params.Style))
    settings = Pair(styles=["ink"], test_styles=list(HELD_OUT_STYLES))
    for record in pair(ingested, tmp_path / "paired", settings, workers):
        more = HELD_OUT_STYLES if record["split"] == "test" else ()
        assert set(record["sketches"]) == {"ink", *more}


def test_every_style_can_be_named_in_params():
    assert {*get_args(params.Style), *HELD_OUT_STYLES} == {"given", *STYLES}


def test_how_much_is_drawn_can_be_asked_for(ingested, tmp_path, workers):
    def sketches(abstraction):
        settings = Pair(styles=["ink"], abstraction=abstraction)
        paired = pair(ingested[:4], tmp_path / abstraction, settings, workers)
        return [Path(record["sketches"]["ink"]).read_bytes() for record in paired]

    assert len({*sketches("fine"), *sketches("gist")}) == 8
    both = {*sketches("fine"), *sketches("middle"), *sketches("gist")}
    assert both.issuperset(sketches("mixed"))


def test_every_pencil_drawing_has_its_own_hand(house):
    difference = drawn("pencil", house(), 1).astype(int) - drawn("pencil", house(), 2)
    assert np.abs(difference).mean() > 3


def test_pencil_hatches_what_is_dark(house):
    bright, dark = drawn("pencil", house(wall=(240, 230, 220))), drawn("pencil", house(wall=(70, 40, 30)))
    wall = np.s_[56:74, 40:88]
    assert dark[wall].mean() < bright[wall].mean() - 25


def test_a_plain_image_is_drawn_without_warnings():
    for style in STYLES:
        assert drawn(style, np.full((64, 64, 3), 255, np.uint8)).mean() > 200


def test_paper_varies_the_sketch_and_keeps_its_drawing(house):
    sketch = drawn("pencil", house())
    varied = [paper.vary(sketch, np.random.default_rng(seed)) for seed in range(8)]
    assert len({image.tobytes() for image in varied}) == 8
    for image in varied:
        assert image.shape == sketch.shape and image.dtype == np.uint8
        assert np.corrcoef(image.ravel(), sketch.ravel())[0, 1] > 0.6


def test_every_photo_gets_a_sketch_in_every_style(ingested, tmp_path, workers):
    paired = list(pair(ingested, tmp_path / "paired", Pair(styles=["given", "pencil", "canny"]), workers))
    for record in paired:
        assert set(record["sketches"]) == {"pencil", "canny"}, "none of them came with one"
        for path in record["sketches"].values():
            assert io.read_labels(Path(path)).shape == (48, 64)


def test_the_sketch_that_came_along_is_kept(ingested, tmp_path, workers):
    ingested[0]["given_sketches"] = ["somewhere/a.png", "somewhere/b.png"]
    paired = list(pair(ingested[:1], tmp_path / "paired", Pair(styles=["given"]), workers))
    assert paired[0]["sketches"] == {"given": "somewhere/a.png", "given-2": "somewhere/b.png"}


def test_a_photo_left_without_a_sketch_is_one_clear_sentence(ingested, tmp_path, workers):
    with pytest.raises(UserError, match=r"house-00.png came without a sketch, .* add one of pencil"):
        list(pair(ingested, tmp_path / "paired", Pair(styles=["given"]), workers))


def test_the_stage_writes_drawn_styles_and_of_test_photos_those_never_trained_on(photo_folder, tmp_path):
    values = yaml.safe_load((PROJECT / "params.yaml").read_text())
    values |= {"resolution": 64, "workers": {"count": 1}}
    values["pair"] = {
        "styles": ["graphite", "architect"],
        "test_styles": list(HELD_OUT_STYLES),
        "abstraction": "middle",
    }
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    for stage, *folders in (("ingest", "photos", "ingested", "ingest.json"), ("pair", "ingested", "paired")):
        run = [sys.executable, PROJECT / "stages" / f"{stage}.py", *folders]
        subprocess.run(run, cwd=tmp_path, env=environment, check=True, capture_output=True)
    written = {file.stem.rpartition("-")[2] for file in (tmp_path / "paired" / "sketches").iterdir()}
    assert written == {"graphite", "architect", *HELD_OUT_STYLES}
