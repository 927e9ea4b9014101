from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s2i.core.errors import UserError
from s2i.core.params import Matte, Pair
from s2i.dataset.matting import mattes, u2net
from s2i.dataset.sketching.sketches import pair
from s2i.imaging import io

DISC = np.hypot(*(np.mgrid[:48, :64] - 28)) < 16


@pytest.fixture
def paired(ingested, tmp_path, workers):
    return list(pair(ingested[:3], tmp_path / "paired", Pair(styles=["canny"]), workers))


def test_a_model_that_rembg_does_not_know_is_one_clear_sentence(paired, tmp_path, workers):
    with pytest.raises(
        UserError, match=r"matte.model is 'u2nett', which gives no matte of a subject; did you mean 'u2net'"
    ):
        list(mattes.cut_backgrounds(paired, tmp_path / "matted", Matte(model="u2nett"), workers))


def test_a_model_that_cannot_be_fetched_is_one_clear_sentence(paired, tmp_path, workers, monkeypatch):
    def offline(model, image_side):
        raise OSError("no route to host")

    monkeypatch.setattr(u2net, "load", offline)
    with pytest.raises(UserError, match=r"'isnet-general-use' could not be fetched \(no route to host\); u2netp is"):
        list(mattes.cut_backgrounds(paired, tmp_path / "matted", Matte(model="isnet-general-use"), workers))


@pytest.fixture
def disc_mattes(monkeypatch):
    """A network that sees a disc in every image, and counts the images."""
    seen = []

    def matte(image, model):
        seen.append(image)
        return np.where(DISC, 255, 0).astype(np.uint8)

    monkeypatch.setattr(u2net, "predict_matte", matte)
    monkeypatch.setattr(u2net.weights, "path", lambda name: Path(name))
    return seen


def test_every_photo_gets_a_matte_and_keeps_its_background(paired, disc_mattes, tmp_path, workers):
    matted = list(mattes.cut_backgrounds(paired, tmp_path / "matted", Matte(), workers))
    for before, after in zip(paired, matted, strict=True):
        assert (io.read_grey(Path(after["matte"])) == 255 * DISC).all()
        assert after["photo"] == before["photo"] and after["sketches"] == before["sketches"]


def test_a_white_background_clears_photo_and_sketch_outside_the_matte(paired, disc_mattes, tmp_path, workers):
    matted = list(mattes.cut_backgrounds(paired, tmp_path / "matted", Matte(background="white"), workers))
    photo, kept = io.read(Path(matted[0]["photo"])), io.read(Path(paired[0]["photo"]))
    assert (photo[~DISC] == 255).all() and (photo[DISC] == kept[DISC]).all()
    sketch = io.read_grey(Path(matted[0]["sketches"]["canny"]))
    assert (sketch[~DISC] == 255).all() and (sketch[DISC] == 0).any()


def test_a_transparent_background_is_stored_as_alpha_and_read_as_white(paired, disc_mattes, tmp_path, workers):
    white = list(mattes.cut_backgrounds(paired, tmp_path / "white", Matte(background="white"), workers))
    clear = list(mattes.cut_backgrounds(paired, tmp_path / "clear", Matte(background="transparent"), workers))
    with Image.open(clear[0]["photo"]) as image:
        assert (np.asarray(image)[..., 3] == 255 * DISC).all()
    assert (io.read(Path(clear[0]["photo"])) == io.read(Path(white[0]["photo"]))).all()
    sketches = [io.read_grey(Path(one[0]["sketches"]["canny"])) for one in (clear, white)]
    assert (sketches[0] == sketches[1]).all()


def test_a_matte_is_made_once(paired, disc_mattes, tmp_path, workers):
    for name in ("first", "second"):
        list(mattes.cut_backgrounds(paired, tmp_path / name, Matte(), workers))
    assert len(disc_mattes) == 3


def test_a_background_is_cut_once(paired, disc_mattes, tmp_path, workers, monkeypatch):
    cut, on_white = [], mattes.on_white
    monkeypatch.setattr(mattes, "on_white", lambda *images: cut.append(1) or on_white(*images))
    for some in (paired[:2], paired):
        list(mattes.cut_backgrounds(some, tmp_path / str(len(some)), Matte(background="white"), workers))
    assert len(cut) == 2 * 3
    for kind in ("photos", "sketches"):
        for file in (tmp_path / "2" / kind).iterdir():
            assert file.read_bytes() == (tmp_path / "3" / kind / file.name).read_bytes()
