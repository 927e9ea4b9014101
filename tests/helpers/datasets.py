"""Data sets in the layouts of others, small ones of houses."""

import io
import json
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from helpers.houses import house
from PIL import Image

IMAGE = {"_type": "Image"}


def png(seed, sketch=False):
    """The bytes of a photo of a house, or of a drawing of it, which is dark strokes on white."""
    image = house(seed)
    if sketch:
        image = np.where(image[..., :1].repeat(3, 2) > 120, 255, 20).astype(np.uint8)
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def write_tar(path, members):
    """A tar file of {name: bytes or text}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            content = content if isinstance(content, bytes) else content.encode()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def write_parquet(path, rows, features):
    """Rows with images as {bytes, path}, and the features that `datasets` writes into a schema."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows)
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), path, row_group_size=4)


def write_files(folder, files):
    """Files of {path: bytes or text} in a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder
