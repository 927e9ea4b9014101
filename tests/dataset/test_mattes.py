import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rembg import new_session

from s2i.core.errors import UserError
from s2i.core.params import Matte, Pair
from s2i.dataset.matting import mattes, u2net
from s2i.dataset.sketching.sketches import pair
from s2i.imaging import io
from s2i.metrics import pixels

DISC = np.hypot(*(np.mgrid[:64, :64] - 32)) < 16


@pytest.fixture
def paired(ingested, tmp_path, work):
    return list(pair(ingested[:3], tmp_path / "paired", Pair(styles=["canny"]), work))


def test_a_model_that_rembg_does_not_know_is_one_clear_sentence(paired, tmp_path, work):
    with pytest.raises(
        UserError, match=r"matte.model is 'u2nett', which gives no matte of a subject; did you mean 'u2net'"
    ):
        list(mattes.cut_backgrounds(paired, tmp_path / "matted", Matte(model="u2nett"), work))


def test_a_model_that_cannot_be_fetched_is_one_clear_sentence(paired, tmp_path, work, monkeypatch):
    def offline(model, side):
        raise OSError("no route to host")

    monkeypatch.setattr(u2net, "_session", offline)
    with pytest.raises(UserError, match=r"'isnet-general-use' could not be fetched \(no route to host\); u2netp is"):
        list(mattes.cut_backgrounds(paired, tmp_path / "matted", Matte(model="isnet-general-use"), work))


@pytest.fixture
def disc_mattes(monkeypatch):
    """A network that sees a disc in every image, and counts the images."""
    seen = []

    def matte(image, model):
        seen.append(image)
        return np.where(DISC, 255, 0).astype(np.uint8)

    monkeypatch.setattr(u2net, "predict_matte", matte)
    monkeypatch.setattr(mattes.weights, "path", lambda name: Path(name))
    return seen


def test_u2net_finds_a_disc_on_a_plain_ground():
    image = np.full((64, 64, 3), 220, np.uint8)
    image[DISC] = (180, 30, 30)
    matte = u2net.predict_matte(image)
    assert matte.shape == (64, 64) and matte.dtype == np.uint8
    assert pixels.intersection_over_union(matte, np.where(DISC, 255, 0)) > 0.8


def test_the_mattes_of_u2netp_are_those_of_rembg_on_the_same_network(house, monkeypatch):
    session = u2net._session("u2netp", 128)
    monkeypatch.setenv("U2NET_HOME", str(mattes.weights.path("u2netp.onnx").parent))
    theirs = new_session("u2netp")
    theirs.inner_session = u2net._OnCpu(theirs.download_models(), theirs.inner_session.get_inputs(), 128)
    for seed in range(3):
        image = Image.fromarray(house(seed))
        assert session.predict(image)[0].tobytes() == theirs.predict(image)[0].tobytes()


def test_every_photo_gets_a_matte_and_keeps_its_background(paired, disc_mattes, tmp_path, work):
    matted = list(mattes.cut_backgrounds(paired, tmp_path / "matted", Matte(), work))
    for before, after in zip(paired, matted, strict=True):
        assert (io.read_grey(Path(after["matte"])) == 255 * DISC).all()
        assert after["photo"] == before["photo"] and after["sketches"] == before["sketches"]


def test_a_white_background_clears_photo_and_sketch_outside_the_matte(paired, disc_mattes, tmp_path, work):
    matted = list(mattes.cut_backgrounds(paired, tmp_path / "matted", Matte(background="white"), work))
    photo, kept = io.read(Path(matted[0]["photo"])), io.read(Path(paired[0]["photo"]))
    assert (photo[~DISC] == 255).all() and (photo[DISC] == kept[DISC]).all()
    sketch = io.read_grey(Path(matted[0]["sketches"]["canny"]))
    assert (sketch[~DISC] == 255).all() and (sketch[DISC] == 0).any()


def test_a_transparent_background_is_stored_as_alpha_and_read_as_white(paired, disc_mattes, tmp_path, work):
    white = list(mattes.cut_backgrounds(paired, tmp_path / "white", Matte(background="white"), work))
    clear = list(mattes.cut_backgrounds(paired, tmp_path / "clear", Matte(background="transparent"), work))
    with Image.open(clear[0]["photo"]) as image:
        assert (np.asarray(image)[..., 3] == 255 * DISC).all()
    assert (io.read(Path(clear[0]["photo"])) == io.read(Path(white[0]["photo"]))).all()
    sketches = [io.read_grey(Path(one[0]["sketches"]["canny"])) for one in (clear, white)]
    assert (sketches[0] == sketches[1]).all()


def test_a_matte_is_made_once(paired, disc_mattes, tmp_path, work):
    for name in ("first", "second"):
        list(mattes.cut_backgrounds(paired, tmp_path / name, Matte(), work))
    assert len(disc_mattes) == 3


def test_a_background_is_cut_once(paired, disc_mattes, tmp_path, work, monkeypatch):
    cut, on_white = [], mattes.on_white
    monkeypatch.setattr(mattes, "on_white", lambda *images: cut.append(1) or on_white(*images))
    for some in (paired[:2], paired):
        list(mattes.cut_backgrounds(some, tmp_path / str(len(some)), Matte(background="white"), work))
    assert len(cut) == 2 * 3
    for kind in ("photos", "sketches"):
        for file in (tmp_path / "2" / kind).iterdir():
            assert file.read_bytes() == (tmp_path / "3" / kind / file.name).read_bytes()


def test_overlap_of_blank_mattes_is_whole():
    blank = np.zeros((4, 4), np.uint8)
    assert pixels.intersection_over_union(blank, blank) == 1
    assert pixels.intersection_over_union(blank, blank + 255) == 0


def test_signals_are_handled_when_networks_have_gone_in_any_order():
    networks_gone = """
import os, signal
from s2i.matting import _U2netp
first, second = _U2netp(64), _U2netp(64)
del first
del second
signal.signal(signal.SIGTERM, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGTERM)
"""
    done = subprocess.run([sys.executable, "-c", networks_gone], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout) == (0, "handled\n"), done.stderr
