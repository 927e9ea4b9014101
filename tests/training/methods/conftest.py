"""Two classes of photos and sketches, and what methods make of them."""

from pathlib import Path

import pytest
from helpers.params import tiny_params

from s2i.imaging import io
from s2i.training.methods.method import load_method

LOOKS = {"barn": (172, 44, 40), "church": (40, 60, 170)}


@pytest.fixture
def method_params(tiny_base):
    """method_params(method, **changes) for the tiny base."""

    def method_params(method, learning=None, **changes):
        train = {"steps": 3, "batch_size": 2, "learning_rate": 1e-2, "checkpoint_every": 1} | (learning or {})
        dreambooth = {"subjects": ["barn"], "prior_images": 2} | changes.pop("dreambooth", {})
        return tiny_params(tiny_base, train, method=method, dreambooth=dreambooth, **changes)

    return method_params


@pytest.fixture
def rows(tmp_path, house):
    """Two classes: of each two photos to train on, with two sketches each, and one to test with."""
    rows = []
    for number, (label, split) in enumerate((label, split) for label in LOOKS for split in ("train", "train", "test")):
        photo = io.resize_and_crop(house(number, LOOKS[label]), 64)
        row = {"id": f"{number:016x}", "split": split, "label": label, "prompt": f"{label} {number}", "variant": 0}
        row |= {"photo": str(tmp_path / f"{number}.png"), "sketches": {}, "flip": False, "sketch_style": "given"}
        io.write_png(Path(row["photo"]), photo)
        for style in ("given", "given-2"):
            row["sketches"][style] = str(tmp_path / f"{number}-{style}.png")
            io.write_png(Path(row["sketches"][style]), io.grey(photo) // (1 + (style == "given-2")))
        rows.append(row | {"sketch": row["sketches"]["given"]})
    return rows


@pytest.fixture
def trained(rows, tmp_path):
    """trained(params) is the folder of a model that the method of the parameters made."""

    def trained(params, name="trained"):
        target = tmp_path / name
        target.mkdir()
        load_method(params.method).train(rows, tmp_path, target, tmp_path / f"{name}-live", params)
        return target

    return trained
