"""Files that several tests write."""

import struct
import zlib

PARAMS = """
base: {base}
controlnet: {base}/controlnet
rank: 2
resolution: 64
precision: fp32
train: {{steps: 1, batch_size: 1, learning_rate: 1.0e-4}}
generate: {{steps: 2}}
"""


def write_bomb(path):
    """A PNG of a few bytes that says it is 60,000 pixels wide and high."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    body = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))
