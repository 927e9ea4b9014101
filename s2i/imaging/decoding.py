"""The one door for image files: only the formats that are named here, by what is in a file and not by its name.

Pillow has 40 decoders more, some in Python, one of which starts Ghostscript.  None of them is ever asked.  What a file
may cost is known before a pixel is decoded: its size, its pixels, what stands beside them, and the memory they take.
"""

import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from s2i.core import system, user_files
from s2i.core.errors import Unreadable, UserError
from s2i.imaging import containers

PLUGINS = {
    "JPEG": "JpegImagePlugin",
    "PNG": "PngImagePlugin",
    "WEBP": "WebPImagePlugin",
    "BMP": "BmpImagePlugin",
    "TIFF": "TiffImagePlugin",
    "GIF": "GifImagePlugin",
    "AVIF": "AvifImagePlugin",
}
PHOTO_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif", ".heic", ".heif"}
)
SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"RIFF": "WEBP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
HEIC_BRANDS = (b"heic", b"heix", b"mif1", b"msf1")
TILE_WIDTH, TILE_LENGTH = 322, 323  # tags of a TIFF
BYTES_PER_PIXEL = 16  # of memory, at most, while an image is decoded, laid on white and brought to sRGB
FREE_SHARE = 0.8  # of the free memory may be taken


def max_file_bytes(max_megapixels: float) -> int:
    """How large a file of so many megapixels may be: eight bytes a pixel, and 64 MiB for what comes with them."""
    return int(8e6 * max_megapixels) + 2**26


def read_content(path: Path, max_megapixels: float) -> bytes:
    """The bytes of an image file; raises Unreadable as `user_files.read_bytes` does, and for an empty file."""
    content = user_files.read_bytes(path, max_file_bytes(max_megapixels))
    if not content:
        raise Unreadable("empty file")
    return content


@cache
def formats() -> tuple[str, ...]:
    """The formats that are read on this machine, as Pillow names them; HEIF where pillow-heif is installed."""
    for plugin in PLUGINS.values():
        import_module(f"PIL.{plugin}")
    try:
        from pillow_heif import register_heif_opener

        register_heif_opener()
    except ImportError:
        pass
    return tuple(name for name in (*PLUGINS, "HEIF") if name in Image.OPEN)


@cache
def readable() -> frozenset[str]:
    """The suffixes of photos that are read on this machine."""
    return frozenset(suffix for suffix in PHOTO_SUFFIXES if Image.registered_extensions().get(suffix) in formats())


def format_of(path: Path) -> str | None:
    """The format of an image file by the first bytes of it; None for what is no image, or cannot be opened."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError:
        return None
    if head[4:8] == b"ftyp":
        return "AVIF" if head[8:11] == b"avi" else "HEIC" if head[8:12] in HEIC_BRANDS else None
    if head.startswith(b"RIFF") and head[8:12] != b"WEBP":
        return None
    return next((name for start, name in SIGNATURES.items() if head.startswith(start)), None)


@contextmanager
def opened(path: Path, content: bytes, max_megapixels: float) -> Iterator[Image.Image]:
    """An image in the bytes of a file, its header read; what its decoder fails with in the block becomes an Unreadable.

    path: for the sentences.  Raises Unreadable for what is no image of these formats, has more than max_megapixels,
    or cannot be decoded; UserError where the memory does not suffice.
    """
    containers.check_extent(content)
    try:
        with _header(content, max_megapixels) as image:
            _check_size(path, image, max_megapixels)
            yield image
    except (Unreadable, UserError):
        raise
    except UnidentifiedImageError:
        raise Unreadable("not an image") from None
    except Image.DecompressionBombError:
        raise Unreadable(f"more than {max_megapixels:g} megapixels") from None
    except MemoryError:
        raise user_files.too_little_memory(path) from None
    except Exception as error:  # decoders of many formats fail in many ways on broken files
        if isinstance(error, OSError) and error.errno is not None:  # Pillow's own errors have none
            raise user_files.explained(path, error) from None
        raise broken(error) from None


def broken(error: Exception) -> Unreadable:
    """What a decoder's own error means to the user."""
    reason = " ".join(str(error).split())[:200]
    return Unreadable("truncated" if "truncated" in reason.lower() else "broken image", f"({reason})")


def _header(content: bytes, max_megapixels: float) -> Image.Image:
    with warnings.catch_warnings(action="ignore"):  # of large images, odd tags and formats that did not fit
        return Image.open(BytesIO(content), formats=formats())


def _check_size(path: Path, image: Image.Image, max_megapixels: float) -> None:
    pixels = image.width * image.height
    too_large = Unreadable(f"more than {max_megapixels:g} megapixels", f"({image.width} x {image.height})")
    if pixels > max_megapixels * 1e6:
        raise too_large
    tags = getattr(image, "tag_v2", {})
    tile = tags.get(TILE_WIDTH, 0), tags.get(TILE_LENGTH, 0)
    if not all(isinstance(side, int) for side in tile) or tile[0] * tile[1] > max(pixels, 2**24):
        raise Unreadable("broken image", f"(its tiles are {tile[0]} x {tile[1]})")
    if pixels * BYTES_PER_PIXEL > max(system.free_memory() * FREE_SHARE, 2**24):
        raise user_files.too_little_memory(path)
