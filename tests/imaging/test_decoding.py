"""The one door for image files: which formats, and what it may cost."""

import ast
import errno
import os
from pathlib import Path

import numpy as np
import pytest
from helpers import hostile_images as hostile
from helpers.hostile_images import encoded
from PIL import Image

from s2i.core import system
from s2i.core.errors import Unreadable, UserError
from s2i.imaging import decoding, io

PROJECT = Path(__file__).parents[2]
FILE = Path("photos/x.png")


def refusal(content, max_megapixels=100.0):
    with pytest.raises(Unreadable) as unreadable:
        io.decode_photo(FILE, content, max_megapixels)
    return unreadable.value.sentence


@pytest.mark.parametrize("name", ["EPS", "PDF", "XPM", "PPM", "QOI"])
def test_a_format_that_is_not_named_is_no_image(name):
    assert refusal(getattr(hostile, name)) == "not an image"


@pytest.mark.parametrize("format", ["TGA", "PCX", "SGI", "ICO", "DDS", "JPEG2000"])
def test_a_format_that_pillow_alone_knows_is_no_image(house, format):
    assert refusal(encoded(house(1), format)) == "not an image"


def test_an_eps_file_starts_no_ghostscript(tmp_path, monkeypatch):
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    (tmp_path / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "x.png").write_bytes(hostile.EPS)
    with pytest.raises(Unreadable, match="not an image"):
        io.read_photo(tmp_path / "x.png", 100)
    with pytest.raises(UserError):
        io.read(tmp_path / "x.png")
    assert not (tmp_path / "started").exists()


def test_nothing_opens_images_but_with_the_formats_that_are_named():
    calls = [
        (file, node)
        for file in sorted((PROJECT / "s2i").rglob("*.py"))
        if not file.is_relative_to(PROJECT / "s2i/embedded")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Image.open"
    ]
    assert calls and all(any(keyword.arg == "formats" for keyword in call.keywords) for _, call in calls)


def test_a_file_is_read_by_what_is_in_it_and_not_by_its_name(tmp_path, house):
    (tmp_path / "x.png").write_bytes(encoded(house(2), "BMP"))
    assert (io.read_photo(tmp_path / "x.png", 1) == house(2)).all()


def test_a_photo_with_two_images_as_phones_take_is_read(house):
    second = Image.fromarray(house(4))
    content = encoded(Image.fromarray(house(3)), "MPO", save_all=True, append_images=[second], quality=95)
    assert np.abs(io.decode_photo(FILE, content, 1).astype(int) - house(3)).mean() < 6


def test_a_photo_that_memory_does_not_suffice_for_is_not_called_broken(monkeypatch):
    content = hostile.grey_png(2000)
    monkeypatch.setattr(system, "free_memory", lambda: 50 * 10**6)
    with pytest.raises(UserError, match=r"too little memory to read photos/x.png"):
        io.decode_photo(FILE, content, 100)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "too little memory to read photos/x.png"),
        (OSError(errno.EIO, "Input/output error"), "photos/x.png cannot be read: Input/output error"),
        (OSError(errno.ENOSPC, "No space left on device"), "photos/x.png cannot be read: No space left on device"),
    ],
)
def test_what_the_machine_lacks_is_not_called_a_broken_image(error, sentence):
    with pytest.raises(UserError, match=sentence), decoding.opened(FILE, hostile.grey_png(80), 100):
        raise error


def test_a_decoder_that_fails_means_a_broken_image():
    with pytest.raises(Unreadable, match="broken image"), decoding.opened(FILE, hostile.grey_png(80), 100):
        raise OSError("unrecognized data stream contents")


def test_a_tiff_with_tiles_beyond_its_pixels_is_refused_from_its_header():
    assert refusal(hostile.tiff_with_tile(65_535, 65_535)).startswith("broken image (its tiles are 65535 x 65535)")


def test_a_file_too_large_for_its_pixels_is_not_read(tmp_path):
    with open(tmp_path / "x.png", "wb") as file:
        file.truncate(3 * 10**9)
    with pytest.raises(Unreadable, match="file too large"):
        io.read_photo(tmp_path / "x.png", 100)


def test_a_large_transparent_photo_is_laid_on_white_as_a_small_one_is(house):
    image = Image.fromarray(np.tile(house(5), (6, 2, 1)))
    image.putalpha(Image.fromarray(np.arange(image.width * image.height).reshape(image.size[::-1]).astype(np.uint8)))
    white = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    assert (io.decode_photo(FILE, encoded(image, "PNG"), 100) == np.asarray(white)).all()
    black = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image).convert("RGB")
    assert (io.decode_photo(FILE, encoded(image, "PNG"), 100, "black") == np.asarray(black)).all()


def test_a_profile_that_is_none_for_these_channels_or_too_large_is_as_none(house):
    plain = io.decode_photo(FILE, encoded(house(6), "PNG"), 1)
    whole = hostile.profile()
    for profile in (b"no profile", whole[:200], hostile.profile(at_16=b"CMYK"), whole + bytes(5 * 10**6)):
        assert (io.decode_photo(FILE, encoded(house(6), "JPEG", icc_profile=profile), 1).shape) == plain.shape


def test_sixteen_bits_that_hold_eight_are_seen_as_eight(house):
    grey = np.asarray(Image.fromarray(house(7)).convert("L")).astype(np.uint16)
    assert (io.decode_photo(FILE, encoded(grey, "PNG"), 1)[..., 0] == grey).all()


def test_one_of_our_own_images_that_is_gone_or_broken_is_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r"x.png cannot be read: it is missing; delete the folder"):
        io.read(tmp_path / "x.png")
    (tmp_path / "x.png").write_bytes(hostile.grey_png(80)[:90])
    for read in (io.read, io.read_grey, io.read_labels):
        with pytest.raises(UserError, match=r"x.png cannot be read: "):
            read(tmp_path / "x.png")


def test_the_format_of_a_file_is_told_by_its_first_bytes(tmp_path, house):
    for format in ("JPEG", "PNG", "GIF", "WEBP", "TIFF"):
        (tmp_path / "x").write_bytes(encoded(Image.fromarray(house(8)), format))
        assert decoding.format_of(tmp_path / "x") == format
    for content in (b"", b"RIFF\0\0\0\0WAVE", b"text", hostile.EPS):
        (tmp_path / "x").write_bytes(content)
        assert decoding.format_of(tmp_path / "x") is None
    assert decoding.format_of(tmp_path) is None and decoding.format_of(tmp_path / "gone") is None
