from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.params import tiny_params
from PIL import Image

from s2i.core.errors import UserError
from s2i.generation import user_sketch
from s2i.imaging import io

PARAMS = tiny_params(Path("base"), {"steps": 1, "batch_size": 1, "learning_rate": 1e-3})


@pytest.fixture(scope="module")
def drawn():
    """A house in dark strokes on white, (512, 512) uint8."""
    sketch = np.full((512, 512), 255, np.uint8)
    cv2.rectangle(sketch, (110, 220), (400, 430), 30, 5)
    cv2.polylines(sketch, [np.array([[90, 220], [255, 90], [420, 220]])], True, 30, 5)
    for left in (150, 250, 330):
        cv2.rectangle(sketch, (left, 270), (left + 40, 330), 30, 4)
    return sketch


def color(sketch):
    return cv2.cvtColor(sketch, cv2.COLOR_GRAY2RGB)


def ink(sketch):
    return (sketch < 160).astype(np.uint8) * 255


def overlap(first, second, reach=2):
    """Share of the strokes of each that lie within reach of the other's; the smaller of the two."""
    near = [cv2.dilate(ink(one), np.ones((2 * reach + 1,) * 2, np.uint8)) for one in (first, second)]
    shares = [
        (ink(one)[other > 0] > 0).sum() / (ink(one) > 0).sum() for one, other in zip((second, first), near, strict=True)
    ]
    return min(shares)


def test_a_clean_drawing_is_only_resized(drawn):
    straight = user_sketch.straighten(color(drawn), 128)
    assert (straight == io.resize_and_crop(drawn, 128)).all()
    assert (user_sketch.straighten(color(straight), 128) == straight).all()


def test_white_on_black_is_turned_dark_on_white(drawn):
    assert (user_sketch.straighten(color(255 - drawn), 128) == user_sketch.straighten(color(drawn), 128)).all()


@pytest.mark.parametrize("stroke", [0, 255])
def test_strokes_on_nothing_are_seen_whatever_their_lightness(drawn, tmp_path, stroke):
    tone = np.full_like(drawn, stroke)
    Image.fromarray(np.dstack([tone, tone, tone, 255 - drawn])).save(tmp_path / "sketch.png")
    straight = user_sketch.read(tmp_path / "sketch.png", PARAMS, 10, 128)
    assert overlap(straight, io.resize_and_crop(drawn, 128), reach=1) == 1 and np.median(straight) == 255


def test_a_small_clean_sketch_is_only_resized(tmp_path):
    small = np.full((64, 64), 255, np.uint8)
    small[20:22, 10:50] = 0
    Image.fromarray(small).save(tmp_path / "small.png")
    assert (user_sketch.read(tmp_path / "small.png", PARAMS, 10) == small).all()


def test_strokes_on_nothing_are_turned_as_the_file_says(drawn, tmp_path):
    turned = Image.fromarray(np.dstack([np.full_like(drawn, 255)] * 3 + [255 - drawn])).transpose(Image.ROTATE_90)
    exif = Image.Exif()
    exif[io.ORIENTATION] = 6
    turned.save(tmp_path / "turned.png", exif=exif)
    straight = user_sketch.read(tmp_path / "turned.png", PARAMS, 10, 128)
    assert overlap(straight, io.resize_and_crop(drawn, 128), reach=1) == 1


def test_a_strip_is_no_error():
    strip = np.full((3, 20000, 3), 255, np.uint8)
    strip[1, 100:9000] = 0
    assert user_sketch.straighten(strip, 64).shape == (21, 64)


@pytest.mark.parametrize("turned", [False, True])
def test_a_wide_or_high_sketch_keeps_its_shape_and_all_of_its_strokes(drawn, turned):
    wide = np.hstack([drawn, drawn, drawn])
    straight = user_sketch.straighten(color(wide.T if turned else wide), 192)
    assert straight.shape == ((192, 64) if turned else (64, 192))
    straight = straight.T if turned else straight
    assert overlap(straight, cv2.resize(wide, (192, 64), interpolation=cv2.INTER_AREA), reach=1) > 0.99


def test_a_sketch_that_is_longer_than_three_to_one_gets_margins(drawn):
    wide = np.hstack([drawn] * 6)
    straight = user_sketch.straighten(color(wide), 384)
    assert straight.shape == (128, 384) and (straight[:30] == 255).all() and (straight[-30:] == 255).all()
    assert overlap(straight[32:96], cv2.resize(wide, (384, 64), interpolation=cv2.INTER_AREA), reach=1) > 0.99


def photographed(sketch):
    """The drawing on a creamy sheet that lies askew on a table under a lamp; and where its corners are."""
    sheet = cv2.copyMakeBorder(sketch, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=255)
    side = len(sheet)
    corners = np.float32([[150, 90], [750, 130], [700, 675], [110, 640]])
    turn = cv2.getPerspectiveTransform(np.float32([[0, 0], [side, 0], [side, side], [0, side]]), corners)
    shown = cv2.warpPerspective(color(sheet), turn, (900, 750)).astype(np.float32)
    covered = cv2.warpPerspective(np.full_like(sheet, 255), turn, (900, 750)) > 0
    photo = np.full((750, 900, 3), (92, 64, 48), np.float32)
    photo[covered] = shown[covered] * (0.87, 0.83, 0.75)
    light = np.linspace(0.6, 1.05, 900)[None, :, None] * np.linspace(1, 0.8, 750)[:, None, None]
    noise = np.random.default_rng(0).normal(0, 4, photo.shape)
    return (photo * light + noise).clip(0, 255).astype(np.uint8)


def test_a_photo_of_paper_on_a_table_becomes_the_drawing(drawn):
    straight = user_sketch.straighten(photographed(drawn), 128)
    sheet = cv2.copyMakeBorder(drawn, 60, 60, 60, 60, cv2.BORDER_CONSTANT, value=255)
    assert (straight[ink(straight) == 0] > 230).mean() > 0.9, "paper is white"
    stretched = cv2.resize(straight, (128, 128), interpolation=cv2.INTER_AREA)  # how a sheet leans is only guessed
    assert overlap(stretched, io.resize_and_crop(sheet, 128), reach=4) > 0.97
    assert (straight[:3] == 255).all() and (straight[:, -3:] == 255).all(), "nothing of the table is left"


def test_a_drawn_frame_is_no_sheet_of_paper(drawn):
    framed = cv2.rectangle(drawn.copy(), (30, 30), (480, 480), 0, 8)
    assert (user_sketch.straighten(color(framed), 128) == io.resize_and_crop(framed, 128)).all()


def test_faint_pencil_becomes_as_dark_as_in_training(drawn):
    faint = (255 - (255 - drawn.astype(np.float32)) * 0.2).astype(np.uint8)
    straight = user_sketch.straighten(color(faint), 128)
    assert straight.min() < 150 and overlap(straight, io.resize_and_crop(drawn, 128), reach=1) > 0.95


def test_the_background_is_cut_as_in_training(drawn, tmp_path, monkeypatch):
    monkeypatch.setattr(
        user_sketch.u2net, "predict_matte", lambda image, model: np.tri(*image.shape[:2], dtype=np.uint8) * 255
    )
    Image.fromarray(drawn).save(tmp_path / "sketch.png")
    mattes = [PARAMS.matte.model_copy(update={"background": background}) for background in ("keep", "white")]
    kept, cut = (
        user_sketch.read(tmp_path / "sketch.png", PARAMS.model_copy(update={"matte": matte}), 10, 128)
        for matte in mattes
    )
    below = np.tri(128, dtype=bool)
    assert (cut[below] == kept[below]).all() and (cut[~below] == 255).all() and (kept[~below] < 200).any()


def test_a_model_that_knows_drawings_gets_them_in_their_tones_and_colours(drawn, tmp_path):
    tinted = np.minimum(color(drawn), np.array([236, 224, 196], np.uint8))
    tinted[120:200, 200:300] = (180, 60, 40)
    Image.fromarray(tinted).save(tmp_path / "sketch.png")
    params = PARAMS.model_copy(update={"conditions": ["drawing"]})
    seen = user_sketch.read(tmp_path / "sketch.png", params, 10)
    assert np.abs(seen.astype(int) - io.resize_and_crop(tinted, 64)).max() <= 1
    cleaned = user_sketch.read(tmp_path / "sketch.png", PARAMS, 10)
    assert cleaned.ndim == 2 and cleaned[2, 2] == 255, "for other models the tint goes"


def test_a_blank_sheet_is_one_clear_sentence(tmp_path):
    Image.new("RGBA", (80, 80), (0, 0, 0, 0)).save(tmp_path / "sketch.png")
    with pytest.raises(UserError, match=r"^sketch.png shows no strokes: draw something first\.$"):
        user_sketch.read(tmp_path / "sketch.png", PARAMS, 10, 128)
