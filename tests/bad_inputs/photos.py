"""Files in the folder of photos that are no photos, or not such as can be used."""

from collections.abc import Callable
from pathlib import Path

from helpers.trials import Trial, named

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n%%EOF\n"


def photo(name: str, content: bytes) -> Callable[[Path], object]:
    """Puts a file beside the good photos."""
    return lambda folder: (folder / "data/photos" / name).write_bytes(content)


TRIALS = [
    Trial("photos", "an EPS file named .png", photo("x.png", EPS), named("x.png,not an image")),
    Trial("photos", "an empty file", photo("x.png", b""), named("x.png,empty file")),
]
