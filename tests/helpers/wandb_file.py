"""What W&B wrote offline, read back from its ``.wandb`` file."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path

BLOCK, HEADER, RECORD = 32768, 7, struct.Struct("<IHB")  # LevelDB's log format: checksum, size, whole or which part
WHOLE, LAST = 1, 4


def history(file: Path) -> list[dict]:
    """Each step's values by their names, those of images as ``name.path`` and so on."""
    rows = [record.history.item for record in _records(file) if record.WhichOneof("record_type") == "history"]
    return [{item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in row} for row in rows]


def config(file: Path) -> dict:
    """The settings that the run was started with."""
    (run,) = (record.run for record in _records(file) if record.WhichOneof("record_type") == "run")
    return {item.key: json.loads(item.value_json) for item in run.config.update}


def _records(file: Path) -> Iterator:
    from wandb.proto.wandb_internal_pb2 import Record

    data, place, parts = file.read_bytes(), HEADER, b""
    while place < len(data):
        left = BLOCK - place % BLOCK
        if left < RECORD.size:
            place += left
            continue
        _, size, kind = RECORD.unpack_from(data, place)
        place += RECORD.size + size
        parts += data[place - size : place]
        if kind in (WHOLE, LAST):
            yield Record.FromString(parts)
            parts = b""
