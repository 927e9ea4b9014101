"""Sketches that people give to `s2i generate` and to the app, which read them by the same function."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bad_inputs.photos import starts_no_program
from helpers import hostile_images as hostile
from helpers.hostile_images import encoded
from helpers.houses import house
from helpers.trials import RIGHT, Call, Trial, refused
from PIL import Image

NAME = "sketch.png"


def read(folder: Path) -> None:
    """Straighten the sketch as the app does, which takes 40 megapixels."""
    from s2i.core import params_file
    from s2i.generation import user_sketch

    os.environ["PATH"] = f"{folder}/bin:{os.environ['PATH']}"
    sketch = user_sketch.read(folder / NAME, params_file.load(), 40)
    assert sketch.shape == (64, 64) and sketch.dtype == np.uint8


def given(content: bytes | Callable[[], bytes]) -> Callable[[Path], object]:
    """Puts a sketch there, and a stand-in for Ghostscript that notes when it is started."""

    def put(folder: Path) -> None:
        (folder / NAME).write_bytes(content() if callable(content) else content)
        (folder / "bin").mkdir()
        (folder / "bin/gs").write_text(f"#!/bin/sh\necho started >> '{folder}/started'\n")
        (folder / "bin/gs").chmod(0o755)

    return put


def drawn(mode: str = "RGB", size: tuple[int, int] = (140, 100), ink: int = 0, paper: int = 255) -> Image.Image:
    """A sheet with two strokes."""
    image = np.full((size[1], size[0], 3), paper, np.uint8)
    image[size[1] // 3, size[0] // 8 : -size[0] // 8 or None] = ink
    image[size[1] // 4 : -size[1] // 4 or None, size[0] // 2] = ink
    return Image.fromarray(image).convert(mode)


def clear(ink: tuple, size: tuple[int, int] = (140, 100)) -> Image.Image:
    """Strokes on nothing."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    image.paste(ink, (20, 30, 120, 34))
    return image


REFUSED = {
    "an EPS file": (hostile.EPS, "cannot be read: not an image"),
    "a PDF": (hostile.PDF, "cannot be read: not an image"),
    "an SVG": (hostile.SVG, "cannot be read: not an image"),
    "a FITS file": (lambda: hostile.fits(2000), "cannot be read: not an image"),
    "a PPM": (hostile.PPM, "cannot be read: not an image"),
    "a QOI": (hostile.QOI, "cannot be read: not an image"),
    "an ICO": (encoded(Image.fromarray(house(1)), "ICO"), "cannot be read: not an image"),
    "an empty file": (b"", "cannot be read: empty file"),
    "a text": (b"<script>alert(1)</script>" * 40, "cannot be read: not an image"),
    "half a PNG": (encoded(drawn(), "PNG")[:150], r"cannot be read: (truncated|broken image)"),
    "half a JPEG": (encoded(house(3), "JPEG")[:1500], r"cannot be read: (truncated|broken image)"),
    "60,000 x 60,000 pixels": (hostile.png(60_000, 60_000), "cannot be read: more than 40 megapixels"),
    "49 megapixels": (lambda: hostile.png(7000, 7000), "cannot be read: more than 40 megapixels"),
    "white": (encoded(drawn(ink=255), "PNG"), "shows no strokes: draw something first"),
    "black": (encoded(drawn(ink=0, paper=0), "PNG"), "shows no strokes"),
    "red": (encoded(Image.new("RGB", (90, 90), "red"), "PNG"), "shows no strokes"),
    "nothing": (encoded(Image.new("RGBA", (90, 90)), "PNG"), "shows no strokes"),
    "1 x 1 pixel": (encoded(Image.new("RGB", (1, 1)), "PNG"), "shows no strokes"),
    "16 MB of comments": (lambda: hostile.gif_with_comments(2**24), "too much beside the image"),
    "3,000 scans": (lambda: hostile.jpeg_with_scans(3000), "too much beside the image"),
}
READ = {
    "strokes on paper": encoded(drawn(), "PNG"),
    "white on black": encoded(drawn(ink=255, paper=0), "PNG"),
    "black on nothing": encoded(clear((0, 0, 0, 255)), "PNG"),
    "white on nothing": encoded(clear((255, 255, 255, 255)), "PNG"),
    "a JPEG named .png": encoded(drawn(), "JPEG"),
    "a WEBP": encoded(drawn(), "WEBP"),
    "a GIF": encoded(drawn("P"), "GIF"),
    "one bit a pixel": encoded(drawn("1"), "PNG"),
    "CMYK": encoded(drawn("CMYK"), "JPEG"),
    "3 x 3 pixels": encoded(drawn(size=(3, 3)), "PNG"),
    "3,000 x 3 pixels": encoded(drawn(size=(3000, 9)), "PNG"),
    "3 x 3,000 pixels": encoded(drawn(size=(9, 3000)), "PNG"),
    "a profile of text": encoded(drawn(), "PNG", icc_profile=b"no profile"),
}


def at(make: Callable[[Path], object]) -> Callable[[Path], object]:
    return lambda folder: make(folder / NAME)


TRIALS = [
    *[
        Trial("sketches", name, given(content), refused(words), (Call(read),), starts_no_program)
        for name, (content, words) in REFUSED.items()
    ],
    *[
        Trial("sketches", name, given(content), RIGHT, (Call(read),), starts_no_program)
        for name, content in READ.items()
    ],
    Trial("sketches", "not there", lambda folder: None, refused("cannot be read: missing"), (Call(read),)),
    Trial("sketches", "a folder", at(Path.mkdir), refused(r"cannot be read: no file \(a folder"), (Call(read),)),
    Trial("sketches", "a pipe", at(os.mkfifo), refused(r"cannot be read: no file \(a pipe"), (Call(read),)),
    Trial("sketches", "a device", at(lambda path: path.symlink_to("/dev/zero")), refused("a device"), (Call(read),)),
]
