"""What stands in an image file beside its pixels, counted before a decoder sees it.

Pillow reads comments, chunks and segments in Python, some of them in a time that grows with the square of their size;
libjpeg goes through all pixels once for each scan.  A few megabytes of them would keep a decoder busy for minutes.
"""

import re

from s2i.core.errors import Unreadable

MAX_BESIDE = 2**24  # bytes of metadata: phones put depth maps and previews there
MAX_COMMENTS = 2**21  # bytes of a GIF's comments; 4 MB of them take Pillow 0.8 s, 16 MB 13 s (measured)
MAX_JUNK = 2**20  # bytes between the segments of a JPEG
MAX_PARTS = 10_000  # chunks, segments or blocks of metadata
MAX_CHUNKS = 200_000  # of a PNG, those of pixels among them: 100 MB in chunks of 8 kB, as libpng writes, are 12,000
MAX_SCANS = 64  # of a progressive JPEG; encoders make about 10
MARKER = re.compile(rb"\xff+([^\x00\xff\xd0-\xd7])")
STANDALONE = (0x01, 0xD8)  # markers without a length
END_OF_IMAGE, START_OF_SCAN, COMMENT = 0xD9, 0xDA, 0xFE
PIXELS = (b"IHDR", b"PLTE", b"IDAT", b"fdAT", b"fcTL", b"IEND")  # the chunks that make the image


def check_extent(content: bytes) -> None:
    """Raise Unreadable for a JPEG, PNG or GIF file with more metadata, parts or scans than photos have."""
    if content.startswith(b"\xff\xd8"):
        _check_jpeg(content)
    elif content.startswith(b"\x89PNG\r\n\x1a\n"):
        _check_png(content)
    elif content.startswith((b"GIF87a", b"GIF89a")):
        _check_gif(content)


def _refuse_beyond(count: float, most: float, what: str) -> None:
    if count > most:
        raise Unreadable("too much beside the image", f"(over {most:,} {what})")


def _check_jpeg(content: bytes) -> None:
    position, parts, beside, junk, scans = 2, 0, 0, 0, 0
    while match := MARKER.search(content, position):
        marker, end = match[1][0], match.end()
        junk += match.start() - position + len(match[0]) - 2
        _refuse_beyond(junk, MAX_JUNK, "bytes between segments")
        if marker == END_OF_IMAGE:
            return
        length = 0 if marker in STANDALONE else int.from_bytes(content[end : end + 2], "big")
        position = end + length
        parts += 1
        _refuse_beyond(parts, MAX_PARTS, "segments")
        if 0xE0 <= marker <= 0xEF or marker == COMMENT:
            beside += length
            _refuse_beyond(beside, MAX_BESIDE, "bytes of metadata")
        elif marker == START_OF_SCAN:
            scans += 1
            _refuse_beyond(scans, MAX_SCANS, "scans")
            following = MARKER.search(content, position)  # after the scan's own bytes
            position = following.start() if following else len(content)


def _check_png(content: bytes) -> None:
    position, chunks, parts, beside = 8, 0, 0, 0
    while position + 8 <= len(content):
        length, kind = int.from_bytes(content[position : position + 4], "big"), content[position + 4 : position + 8]
        position += 12 + length
        chunks += 1
        _refuse_beyond(chunks, MAX_CHUNKS, "chunks")
        if kind not in PIXELS:
            parts, beside = parts + 1, beside + length
            _refuse_beyond(parts, MAX_PARTS, "chunks of metadata")
            _refuse_beyond(beside, MAX_BESIDE, "bytes of metadata")


def _check_gif(content: bytes) -> None:
    """Only what stands before the first frame is looked at: the others are never read."""
    flags = content[10] if len(content) > 10 else 0
    position = 13 + (3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0)
    parts, first = 0, position
    while content[position : position + 1] == b"!":  # an extension
        position += 2
        parts += 1
        _refuse_beyond(parts, MAX_PARTS, "extensions")
        while position < len(content) and content[position]:
            position += 1 + content[position]
            _refuse_beyond(position - first, MAX_COMMENTS, "bytes of comments")
        position += 1
