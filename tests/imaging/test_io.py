"""Photos of every format, as ingest reads or refuses them."""

import os
import struct
import zlib

import numpy as np
import pytest
from helpers.ingest import converted, quarantined
from PIL import Image, ImageCms

from s2i.imaging import io, shapes


def test_a_truncated_jpeg_is_quarantined_with_its_reason(ingest_folder, photo_folder, house, tmp_path):
    Image.fromarray(house(99)).save(tmp_path / "whole.jpg")
    half = (tmp_path / "whole.jpg").read_bytes()[:1500]
    assert quarantined(ingest_folder, photo_folder, "half.jpg", half).startswith("truncated")


def test_a_truncated_png_is_quarantined_with_its_reason(ingest_folder, photo_folder):
    half = (photo_folder / "house-00.png").read_bytes()[:9000]
    assert quarantined(ingest_folder, photo_folder, "half.png", half).startswith("truncated")


def test_a_text_file_named_png_is_quarantined_with_its_reason(ingest_folder, photo_folder):
    assert quarantined(ingest_folder, photo_folder, "notes.png", b"not an image at all\n" * 20) == "not an image"


def test_an_empty_file_is_quarantined_with_its_reason(ingest_folder, photo_folder):
    assert quarantined(ingest_folder, photo_folder, "nothing.jpg", b"") == "empty file"


def test_a_decompression_bomb_is_refused_from_its_header(ingest_folder, photo_folder):
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 1000)
    bomb = b"\x89PNG\r\n\x1a\n"
    for chunk in (header, data):
        bomb += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    assert quarantined(ingest_folder, photo_folder, "bomb.png", bomb) == "more than 100 megapixels"


def test_a_photo_above_the_users_own_limit_is_refused_with_its_size(ingest_folder, photo_folder, house):
    Image.fromarray(np.tile(house(99), (2, 2, 1))).save(photo_folder / "large.png")
    _, _, reasons = ingest_folder(photo_folder, max_megapixels=0.02)
    assert reasons == {"large.png": "more than 0.02 megapixels (256 x 192)"}


def test_a_broken_link_is_quarantined_with_its_reason(ingest_folder, photo_folder):
    os.symlink("gone.jpg", photo_folder / "link.jpg")
    _, _, reasons = ingest_folder(photo_folder)
    assert reasons == {"link.jpg": "broken link"}


def test_a_format_that_is_not_read_is_quarantined_with_its_remedy(ingest_folder, photo_folder, monkeypatch):
    monkeypatch.setattr(io, "readable", lambda: io.PHOTO_SUFFIXES - {".heic", ".heif"})
    reason = quarantined(ingest_folder, photo_folder, "phone.HEIC", b"....ftypheic")
    remedy = "(convert it to .jpg or .png, or pip install -e '.[heic]' and dvc repro --force ingest)"
    assert reason == f".heic is not read {remedy}"


def test_a_cmyk_jpeg_becomes_rgb_of_the_same_colours(ingest_folder, photo_folder, house):
    image = Image.fromarray(house(99))
    image.convert("CMYK").save(photo_folder / "print.jpg", quality=95)
    expected = shapes.fit(np.asarray(image), 64)
    assert np.abs(converted(ingest_folder, photo_folder, "print.jpg").astype(int) - expected).mean() < 4


@pytest.fixture(params=["avif", "heic"])
def new_format(request):
    """The suffix of a format that not every machine reads."""
    if request.param == "heic":
        pytest.importorskip("pillow_heif")
    if f".{request.param}" not in io.readable():
        pytest.skip(f"Pillow is built without {request.param}")
    return request.param


def test_a_photo_of_a_phone_is_read_upright_whatever_its_format(ingest_folder, photo_folder, house, new_format):
    image, turned = Image.fromarray(house(99)), Image.Exif()
    turned[io.ORIENTATION] = 6  # what was the top is at its right
    image.save(photo_folder / f"phone.{new_format}", quality=95, exif=turned.tobytes())
    expected = shapes.fit(np.asarray(image.rotate(-90, expand=True)), 64)
    assert np.abs(converted(ingest_folder, photo_folder, f"phone.{new_format}").astype(int) - expected).mean() < 4
    file = photo_folder / f"phone.{new_format}"
    assert io.photo_size(file, file.read_bytes(), 178) == (96, 128)


def test_a_cut_off_or_too_large_photo_of_a_phone_is_quarantined(ingest_folder, photo_folder, house, new_format):
    whole, half = photo_folder / f"whole.{new_format}", photo_folder / f"half.{new_format}"
    Image.fromarray(house(98)).save(whole)
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    Image.fromarray(np.tile(house(99), (2, 2, 1))).save(whole)
    records, _, reasons = ingest_folder(photo_folder, max_megapixels=0.02)
    assert len(records) == 20 and reasons[whole.name] == "more than 0.02 megapixels (256 x 192)"
    assert reasons[half.name].startswith(("broken image", "truncated", "not an image"))


def test_a_transparent_photo_of_a_phone_is_laid_on_white(ingest_folder, photo_folder, house, new_format):
    image = Image.fromarray(house(99))
    image.putalpha(Image.fromarray(np.tile(np.linspace(0, 255, 128).astype(np.uint8), (96, 1))))
    image.save(photo_folder / f"cut.{new_format}", quality=95)
    white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    expected = shapes.fit(np.asarray(white), 64)
    assert np.abs(converted(ingest_folder, photo_folder, f"cut.{new_format}").astype(int) - expected).mean() < 4


def test_a_16_bit_photo_keeps_its_tones(ingest_folder, photo_folder):
    ramp = np.tile(np.linspace(0, 65535, 128).astype(np.uint16), (128, 1))
    Image.fromarray(ramp).save(photo_folder / "deep.png")
    image = converted(ingest_folder, photo_folder, "deep.png")
    assert image[:, 0].max() < 8 and abs(int(image[32, 32, 0]) - 128) < 8 and image[:, -1].min() > 247


def test_a_transparent_palette_is_laid_on_white(ingest_folder, photo_folder):
    image = Image.new("P", (80, 80), 0)
    image.putpalette([0, 0, 0, 200, 0, 0])
    image.paste(1, (40, 0, 80, 80))
    image.save(photo_folder / "icon.png", transparency=0)
    image = converted(ingest_folder, photo_folder, "icon.png")
    assert tuple(image[30, 10]) == (255, 255, 255) and tuple(image[30, 50]) == (200, 0, 0)


def test_the_first_frame_stands_for_an_animation(ingest_folder, photo_folder):
    frames = [Image.new("RGB", (80, 80), color) for color in ("red", "blue", "green")]
    frames[0].paste("white", (60, 60, 80, 80))
    frames[0].save(photo_folder / "moving.gif", save_all=True, append_images=frames[1:])
    assert tuple(converted(ingest_folder, photo_folder, "moving.gif")[30, 30]) == (255, 0, 0)


def test_a_photo_is_turned_as_its_exif_says(ingest_folder, photo_folder):
    image = Image.new("RGB", (100, 80), "red")
    image.paste("blue", (0, 0, 50, 80))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees clockwise: left becomes top
    image.save(photo_folder / "turned.png", exif=exif)
    turned = converted(ingest_folder, photo_folder, "turned.png")
    assert tuple(turned[5, 32]) == (0, 0, 255) and tuple(turned[58, 32]) == (255, 0, 0)


def test_an_embedded_colour_profile_is_brought_to_srgb(ingest_folder, photo_folder):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"....").replace(b"bXYZ", b"rXYZ").replace(b"....", b"bXYZ")
    image = Image.new("RGB", (80, 80), "red")
    image.paste("white", (60, 60, 80, 80))
    image.save(photo_folder / "profiled.png", icc_profile=swapped)
    red, _, blue = converted(ingest_folder, photo_folder, "profiled.png")[30, 30]
    assert red < 10 and blue > 245


def test_a_broken_colour_profile_is_ignored(ingest_folder, photo_folder):
    image = Image.new("RGB", (80, 80), (10, 20, 30))
    image.paste("white", (60, 60, 80, 80))
    image.save(photo_folder / "odd.png", icc_profile=b"no profile")
    assert tuple(converted(ingest_folder, photo_folder, "odd.png")[30, 30]) == (10, 20, 30)


@pytest.mark.parametrize("full", [1, 255, 65535])
def test_a_photo_of_fractions_keeps_its_tones(ingest_folder, photo_folder, full):
    ramp = np.tile(np.linspace(0, full, 128, dtype=np.float32), (128, 1))
    Image.fromarray(ramp).save(photo_folder / "deep.tif")
    image = converted(ingest_folder, photo_folder, "deep.tif")
    assert image[:, 0].max() < 8 and abs(int(image[32, 32, 0]) - 128) < 8 and image[:, -1].min() > 247
