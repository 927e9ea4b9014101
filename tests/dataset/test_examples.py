from pathlib import Path

import numpy as np
import pytest

from s2i.core.params import Augment, Pair
from s2i.dataset.augmentation.examples import augment
from s2i.dataset.sketching.sketches import pair
from s2i.imaging import io
from s2i.imaging.wall_colors import dominant_color

PARTS = {"structure": "house", "color": "red", "view": "left"}
COLUMNS = {"caption": "house of red", "captioned_by": "columns", "described": PARTS}

NOTHING = {"described": {}, "described_by": {}}


@pytest.fixture
def captioned(ingested, tmp_path, workers):
    paired = list(pair(ingested, tmp_path / "paired", Pair(styles=["canny", "xdog"]), workers))
    return [record | COLUMNS for record in paired]


@pytest.fixture
def run(captioned, tmp_path, workers):
    """run(name, records=, seed=, **params) augments into a folder and gives its examples."""

    def run(name="augmented", records=captioned, seed=0, conditions=("sketch",), **params):
        return list(augment(records, tmp_path / name, seed, Augment(**params), conditions, workers))

    return run


def train(examples):
    return [example for example in examples if example["split"] == "train"]


def content(example):
    """All that makes an example, wherever its file lies."""
    drawn = Path(example["sketch"]).read_bytes()
    return [example[name] for name in ("id", "variant", "sketch_style", "flip", "prompt")], drawn


def test_a_training_photo_gives_as_many_examples_as_asked(run, captioned):
    examples = train(run(variants=3))
    assert [example["variant"] for example in examples] == [0, 1, 2] * len(train(captioned))
    assert len({example["sketch"] for example in examples}) == len(examples)


def test_held_out_photos_are_not_varied(run):
    examples = [example for example in run() if example["split"] != "train"]
    assert examples
    for example in examples:
        assert example["sketch"] == example["sketches"][example["sketch_style"]]
        assert (example["flip"], example["prompt"]) == (False, "house of red")
    assert {example["variant"] for example in examples} == {0, 1}, "one example a style"


def test_the_same_seed_makes_the_same_examples(run):
    first, second = run("first"), run("second")
    assert [content(example) for example in first] == [content(example) for example in second]


def test_another_seed_makes_other_examples(run):
    first, second = train(run("first", seed=0)), train(run("second", seed=1))
    assert [content(example) for example in first] != [content(example) for example in second]


def test_an_example_hangs_on_its_own_photo_alone(run, captioned):
    alone = run("alone", records=captioned[5:6])
    together = [example for example in run("together") if example["id"] == captioned[5]["id"]]
    assert [content(example) for example in alone] == [content(example) for example in together]


def test_without_paper_and_flip_the_sketches_are_as_they_were(run):
    for example in train(run(paper=0, flip=0)):
        assert Path(example["sketch"]).read_bytes() == Path(example["sketches"][example["sketch_style"]]).read_bytes()
        assert not example["flip"]


def test_left_is_right_in_the_prompt_of_a_mirrored_photo(run):
    prompts = " ".join(example["prompt"] for example in train(run(flip=1, variants=20)))
    assert "from the right" in prompts and "from the left" not in prompts


def test_a_photo_whose_own_caption_tells_left_from_right_is_not_mirrored(run, captioned):
    for origin in ("caption", "vlm"):
        for words, mirrored in (("A house, its door on the Left", False), ("A brightly lit house", True)):
            own = [record | {"caption": words, "captioned_by": origin} for record in captioned]
            assert {example["flip"] for example in train(run(f"{origin}-{mirrored}", records=own, flip=1))} == {
                mirrored
            }


def test_training_photos_get_a_material_map_where_it_is_a_condition(run, captioned, tmp_path):
    io.write_png(tmp_path / "matte.png", np.full((64, 64), 255, np.uint8))
    matted = [record | {"matte": str(tmp_path / "matte.png")} for record in captioned]
    examples = run(records=matted, conditions=["sketch", "material"], variants=2)
    painted = io.read(train(examples)[0]["material_map"])
    assert dominant_color(painted, np.full((64, 64), 255, np.uint8)) == "red"
    assert not any("material_map" in example for example in examples if example["split"] != "train")
    assert not any("material_map" in example for example in run("plain", records=matted))


def test_a_material_map_shows_what_a_caption_says_unless_a_column_says_otherwise(run, captioned, tmp_path):
    io.write_png(tmp_path / "matte.png", np.full((64, 64), 255, np.uint8))
    own = {"matte": str(tmp_path / "matte.png"), "caption": "My blue wooden house", "captioned_by": "caption"}
    for origin, color in (("columns", "red"), ("attributes", "blue"), (None, "blue")):
        parts = {"described": {"color": "red"}, "described_by": {"color": origin}} if origin else NOTHING
        examples = run(color, [record | own | parts for record in captioned], conditions=["material"], variants=1)
        painted = io.read(train(examples)[0]["material_map"])
        assert dominant_color(painted, np.full((64, 64), 255, np.uint8)) == color


def test_a_caption_of_the_users_own_is_kept(run, captioned):
    own = [record | {"caption": "My house", "captioned_by": "caption"} for record in captioned]
    assert {example["prompt"] for example in train(run(records=own))} == {"My house"}


def test_examples_show_parts_of_a_photo_in_turn_and_sketch_and_matte_the_same(run, captioned, tmp_path):
    marked = np.zeros((64, 64), np.uint8)
    marked[20:30, 12:40] = 255
    io.write_png(tmp_path / "matte.png", marked)
    io.write_png(tmp_path / "photo.png", np.dstack([marked] * 3))
    io.write_png(tmp_path / "sketch.png", 255 - marked)
    files = {"photo": str(tmp_path / "photo.png"), "matte": str(tmp_path / "matte.png")}
    records = [record | files | {"sketches": {"xdog": str(tmp_path / "sketch.png")}} for record in captioned]
    settings = {"variants": 8, "crops": 4, "zoom": 0.6, "paper": 0}
    examples = train(run(records=records, conditions=["sketch", "material"], **settings))
    for first in range(0, len(examples), 8):
        of_photo = examples[first : first + 8]
        assert len({example["photo"] for example in of_photo}) == 4
        assert [example["photo"] for example in of_photo[:4]] == [example["photo"] for example in of_photo[4:]]
        assert of_photo[0]["photo"] == files["photo"], "the first is the whole"
        for example in of_photo:
            photo, matte, sketch = (io.read_grey(Path(example[name])) for name in ("photo", "matte", "sketch"))
            assert photo.shape == (64, 64)
            assert np.abs(photo.astype(int) - matte).max() <= 1 and np.abs(255 - sketch.astype(int) - matte).max() <= 1
    shown = {io.read_grey(Path(example["photo"])).tobytes() for example in examples}
    assert len(shown) == 1 + 3 * len(examples) // 8, "each photo has parts of its own"
    again = train(run("again", records=records, conditions=["sketch", "material"], **settings))
    assert list(map(content, again)) == list(map(content, examples))
