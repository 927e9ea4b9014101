"""Image files such as nobody would draw: too large, too long, of other formats, with too much in them."""

import gzip
import struct
import zlib
from collections.abc import Iterable
from io import BytesIO

import numpy as np
from helpers.houses import house
from PIL import Image, ImageCms

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\nshowpage\n%%EOF\n"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n%%EOF\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>\n'
XPM = b'/* XPM */\nstatic char *x[] = {\n"2 1 2 1",\n"a c #FF0000",\n"b c #0000FF",\n"ab"};\n'
PPM = b"P6 64 64 255\n" + bytes(range(256)) * 48
QOI = b"qoif" + struct.pack(">IIBB", 64, 64, 3, 0) + b"\xc0" * 70 + bytes(7) + b"\x01"
FLI = struct.pack("<IHHHHH", 128, 0xAF11, 1, 64, 64, 8) + bytes(114)


def encoded(image: np.ndarray | Image.Image, format: str, **options) -> bytes:
    """An image as a file of a format."""
    file = BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(file, format, **options)
    return file.getvalue()


def fits(side: int, is_gzip: bool = True) -> bytes:
    """A FITS file of side x side pixels, compressed to a thousandth."""
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    2"]
    cards += [f"NAXIS{axis}  = {side:20}" for axis in (1, 2)]
    cards += ["ZCMPTYPE= 'GZIP_1  '"] if is_gzip else []
    header = "".join(f"{card:80}" for card in [*cards, "END"]).encode()
    pixels = bytes(side * side)
    return header.ljust(2880) + (gzip.compress(pixels) if is_gzip else pixels)


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, pixels: bytes = b"", before: Iterable[bytes] = (), mode: tuple = (8, 2)) -> bytes:
    """A PNG that says it is so wide and high; pixels: compressed rows; before: chunks before them; mode: bits, type."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *mode, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(before) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def grey_png(side: int, before: Iterable[bytes] = (), shade: int = 0) -> bytes:
    """A whole grey PNG with a gradient across."""
    row = b"\0" + bytes((shade + column * 255 // side) % 256 for column in range(side))
    return png(side, side, zlib.compress(row * side), before, (8, 0))


def rgba_png(side: int) -> bytes:
    """A whole transparent PNG of a few kilobytes a million pixels."""
    row = zlib.compressobj(1)
    line = b"\0" + (b"\x10\x20\x30\x40" * side)
    return png(side, side, b"".join(row.compress(line) for _ in range(side)) + row.flush(), (), (8, 6))


def gif_with_comments(size: int) -> bytes:
    """A GIF with so many bytes of comments before its first frame."""
    whole = encoded(Image.fromarray(house(5)).quantize(), "GIF")
    first = 13 + 3 * 2 ** ((whole[10] & 7) + 1)
    comments = b"!\xfe" + (b"\xff" + b"x" * 255) * (size // 256) + b"\0"
    return whole[:first] + comments + whole[first:]


def jpeg_with_segments(count: int, size: int, marker: int = 0xE5) -> bytes:
    """A JPEG with segments of so many bytes before its pixels."""
    whole = encoded(house(6), "JPEG")
    return whole[:2] + (bytes((0xFF, marker)) + struct.pack(">H", size + 2) + bytes(size)) * count + whole[2:]


def jpeg_with_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan stands there so many times."""
    whole = encoded(np.tile(house(7), (4, 4, 1)), "JPEG", progressive=True)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * count + whole[-2:]


def jpeg_with_padding(size: int) -> bytes:
    """A JPEG with so many bytes of 0xFF between two segments."""
    whole = encoded(house(8), "JPEG")
    return whole[:2] + b"\xff" * size + whole[2:]


def tiff_with_tile(width: int, length: int) -> bytes:
    """A TIFF of 64 x 64 pixels that says its tiles are so large."""
    tags = [(256, 3, 64), (257, 3, 64), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1)]
    tags += [(322, 4, width), (323, 4, length), (324, 4, 200), (325, 4, 20)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    return (b"II*\0\x08\0\0\0" + directory).ljust(200, b"\0") + zlib.compress(bytes(64 * 64))[:20]


def profile(description: str = "sRGB", **changes: bytes) -> bytes:
    """A colour profile; changes: bytes by their place in it, at_16=b"CMYK"."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile(description)).tobytes())
    for place, data in changes.items():
        start = int(place.removeprefix("at_"))
        content[start : start + len(data)] = data
    return bytes(content)
