"""What stands in image files beside their pixels."""

import time

import numpy as np
import pytest
from helpers import hostile_images as hostile
from helpers.hostile_images import encoded
from PIL import Image

from s2i.core.errors import Unreadable
from s2i.imaging.containers import check_extent


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: hostile.jpeg_with_scans(100), "over 64 scans"),
        (lambda: hostile.jpeg_with_segments(300, 65_000), "bytes of metadata"),
        (lambda: hostile.jpeg_with_segments(300, 65_000, 0xFE), "bytes of metadata"),
        (lambda: hostile.jpeg_with_segments(20_000, 0), "segments"),
        (lambda: hostile.jpeg_with_padding(2**21), "bytes between segments"),
        (lambda: hostile.gif_with_comments(2**22), "bytes of comments"),
        (lambda: hostile.grey_png(80, [hostile.chunk(b"tEXt", b"a\0b")] * 20_000), "chunks of metadata"),
        (lambda: hostile.grey_png(80, [hostile.chunk(b"tEXt", b"a\0" + bytes(2**20))] * 20), "bytes of metadata"),
        (lambda: hostile.grey_png(80, [hostile.chunk(b"IDAT", b"")] * 250_000), "chunks"),
    ],
)
def test_more_than_photos_have_is_refused_at_once(make, what):
    content = make()
    start = time.process_time()
    with pytest.raises(Unreadable) as unreadable:
        check_extent(content)
    assert unreadable.value.reason == "too much beside the image" and what in unreadable.value.detail
    assert time.process_time() - start < 2


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"])
def test_what_encoders_write_passes(house, format):
    for image in (house(1), np.tile(house(2), (5, 5, 1))):
        check_extent(encoded(Image.fromarray(image), format))
    check_extent(
        encoded(house(1), "JPEG", progressive=True, exif=b"Exif\0\0" + bytes(60_000), icc_profile=bytes(10**5))
    )


def test_what_follows_the_image_of_a_jpeg_does_not_count(house):
    """Phones put a video there, in which anything may stand."""
    check_extent(encoded(house(1), "JPEG") + b"\xff\xda\0\2" * 10_000)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"GIF89a!!!!"])
def test_what_is_cut_off_ends(content):
    check_extent(content)
