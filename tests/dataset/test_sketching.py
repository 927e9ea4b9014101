from pathlib import Path

import numpy as np
import pytest

from s2i.core.errors import UserError
from s2i.core.params import Pair
from s2i.dataset.augmentation import paper
from s2i.dataset.sketching.sketches import pair
from s2i.dataset.sketching.styles import STYLES
from s2i.imaging import io


def drawn(style, image, seed=0):
    return STYLES[style](image, np.random.default_rng(seed))


@pytest.mark.parametrize("style", STYLES)
def test_a_sketch_is_dark_strokes_on_white_where_the_photo_has_edges(style, house):
    sketch = drawn(style, house())
    assert sketch.shape == (96, 128) and sketch.dtype == np.uint8
    assert np.median(sketch[:20]) > 200, "the sky is paper"
    assert sketch[24:29, 40:90].min() < 120, "the top of the wall is drawn"


@pytest.mark.parametrize("style", STYLES)
def test_the_same_generator_draws_the_same_sketch(style, house):
    assert (drawn(style, house()) == drawn(style, house())).all()


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
            assert io.read_labels(Path(path)).shape == (64, 64)


def test_the_sketch_that_came_along_is_kept(ingested, tmp_path, workers):
    ingested[0]["given_sketches"] = ["somewhere/a.png", "somewhere/b.png"]
    paired = list(pair(ingested[:1], tmp_path / "paired", Pair(styles=["given"]), workers))
    assert paired[0]["sketches"] == {"given": "somewhere/a.png", "given-2": "somewhere/b.png"}


def test_a_photo_left_without_a_sketch_is_one_clear_sentence(ingested, tmp_path, workers):
    with pytest.raises(UserError, match=r"house-00.png came without a sketch, .* add one of pencil"):
        list(pair(ingested, tmp_path / "paired", Pair(styles=["given"]), workers))
