"""What passes between stages: a folder with records.parquet and the files it names.

A record is one photo, or after augmenting one training example.  Paths are relative to the folder; a path may lead
into an earlier stage's folder (``../ingested/photos/...``), so that no image is copied along the way.
"""

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from s2i.core import fast_start
from s2i.core.errors import UserError, first_line
from s2i.core.files import whole_file
from s2i.core.parallel import CHUNK, chunked

Record = dict[str, Any]  # what is known of a photo or an example, by column of the schema

SPLITS = ("train", "val", "test")
PATH = {b"path": b"1"}
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),  # content hash of the photo file, 16 hexadecimal digits
        pa.field("photo", pa.string(), nullable=False, metadata=PATH),
        pa.field("width", pa.int32()),  # of the original, pixels
        pa.field("height", pa.int32()),
        pa.field("source", pa.string()),  # the file's path in the photo folder
        pa.field("group", pa.string()),  # what belongs together in one split, such as photos of one building
        pa.field("motif", pa.string()),  # perceptual hash, see s2i.dataset.ingest.duplicates
        pa.field("mirrored_motif", pa.string()),  # the same of the mirrored photo
        pa.field("source_url", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("author", pa.string()),
        pa.field("split", pa.string()),  # one of SPLITS
        pa.field("label", pa.string()),
        pa.field("structure", pa.string()),
        pa.field("color", pa.string()),
        pa.field("material", pa.string()),
        pa.field("style", pa.string()),
        pa.field("view", pa.string()),
        pa.field("roof", pa.string()),
        pa.field("curved", pa.bool_()),
        pa.field("glass", pa.bool_()),
        pa.field("windows", pa.int32()),  # visible ones, where truth is known
        pa.field("balconies", pa.int32()),
        pa.field("given_sketches", pa.list_(pa.string()), metadata=PATH),  # the drawings that came with the photo
        pa.field("given_caption", pa.string()),
        pa.field("truth_labels", pa.string(), metadata=PATH),
        pa.field("truth_matte", pa.string(), metadata=PATH),
        pa.field("sketches", pa.map_(pa.string(), pa.string()), metadata=PATH),  # style: path
        pa.field("caption", pa.string()),
        pa.field("captioned_by", pa.string()),  # caption, columns, attributes, vlm or none
        pa.field("described", pa.map_(pa.string(), pa.string())),  # part: word, what the caption is made of
        pa.field("described_by", pa.map_(pa.string(), pa.string())),  # part: columns or attributes
        pa.field("matte", pa.string(), metadata=PATH),
        pa.field("variant", pa.int32()),  # which of its photo's examples
        pa.field("sketch", pa.string(), metadata=PATH),  # the one that conditions this example
        pa.field("sketch_style", pa.string()),
        pa.field("flip", pa.bool_()),
        pa.field("material_map", pa.string(), metadata=PATH),  # of training photos, where it is a condition
        pa.field("prompt", pa.string()),
        pa.field("finetuned", pa.string(), metadata=PATH),  # drawn by the fine-tuned model
        pa.field("base", pa.string(), metadata=PATH),  # drawn by the untouched base from the same seed
        pa.field("base_edges", pa.string(), metadata=PATH),  # the same from the edges of the sketch
        pa.field("autoencoder", pa.string(), metadata=PATH),  # the photo as the base's autoencoder gives it back
        pa.field("other_seeds", pa.list_(pa.string()), metadata=PATH),  # drawn by the fine-tuned model from other seeds
        pa.field("unprompted", pa.string(), metadata=PATH),  # drawn by the fine-tuned model without the prompt
        pa.field("generation_seed", pa.int64()),
    ]
)


PATHS = [field for field in SCHEMA if field.metadata == PATH]


class Records(Sized, Iterable[Record]):
    """The records of a folder, their paths as they open from here, in the order they were written.

    Each pass over them reads a chunk at a time, so any number of them fits into memory.  What is not known of a photo
    is not in its record.  Raises UserError when the folder has no records, or when they do not fit the schema.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = Path(folder), Path(folder) / "records.parquet"
        if not self.file.exists():
            raise UserError(f"{self.file} is missing: run the stage that writes {folder} first (dvc repro does).")
        with self._open() as file:
            _check(file.schema_arrow, self.file)
            self.count: int = file.metadata.num_rows

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Record]:
        with self._open() as file:
            for batch in file.iter_batches(CHUNK):
                for row in batch.to_pylist(maps_as_pydicts="strict"):
                    known = {name: value for name, value in row.items() if value is not None}
                    yield moved(known, lambda path: os.path.join(self.folder, path))

    @contextmanager
    def _open(self) -> Iterator[pq.ParquetFile]:
        """The file; raises UserError where it is not, or no longer, what was written."""
        try:
            with pq.ParquetFile(self.file) as file:
                yield file
        except (pa.ArrowException, OSError, EOFError) as error:
            raise UserError(
                f"{self.file} cannot be read ({first_line(error)}): delete {self.folder} and run the stage that writes "
                "it (dvc repro does)."
            ) from None


def write(records: Iterable[Record], folder: Path, target: Path | None = None) -> None:
    """Write records whose paths open from here into ``folder``; ``target`` is where the folder will be renamed to.

    Raises UserError when there are none, or when a record does not fit the schema.
    """
    folder, target = Path(folder), Path(target or folder)

    @functools.cache
    def prefix(parent: str) -> str:
        inside = Path(parent).is_relative_to(folder)
        elsewhere = os.path.relpath(os.path.realpath(parent), os.path.realpath(target))  # any of them may be a link
        path = Path(parent).relative_to(folder) if inside else Path(elsewhere)
        return f"{path.as_posix()}/" if path.name else ""

    def relative(path: str) -> str:
        parent, name = os.path.split(path)
        return prefix(parent) + name

    count = 0
    with whole_file(folder / "records.parquet") as draft:
        with pq.ParquetWriter(draft, SCHEMA) as file:
            for chunk in chunked(records, CHUNK):
                file.write_table(_table([moved(record, relative) for record in chunk], target))
                count += len(chunk)
        if not count:
            raise UserError(f"nothing is left to write into {target}: see quarantine.csv of the stages before it.")


@functools.cache
def _start_pyarrow() -> None:
    """Let pyarrow look for pandas, once and in vain, before the first conversion."""
    with fast_start.pandas_hidden():
        pa.array([])


def _table(rows: list[Record], target: Path) -> pa.Table:
    _start_pyarrow()
    used = {name for row in rows for name in row}
    if unknown := sorted(used - set(SCHEMA.names)):
        raise UserError(f"{target}: records have columns the schema does not know: {', '.join(unknown)}.")
    try:
        table = pa.Table.from_pylist(rows, schema=SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise UserError(f"{target}: a record does not fit the schema: {error}.") from None
    for field in SCHEMA:
        if not field.nullable and table[field.name].null_count:
            raise UserError(f"{target}: {table[field.name].null_count} records have no {field.name}.")
    return table


def _check(schema: pa.Schema, file: Path) -> None:
    if missing := [field.name for field in SCHEMA if not field.nullable and field.name not in schema.names]:
        raise UserError(f"{file} has no column '{missing[0]}'; delete {file.parent} and rerun.")
    for field in schema:
        if field.name not in SCHEMA.names or field.type != SCHEMA.field(field.name).type:
            raise UserError(
                f"{file}: the column '{field.name}' does not fit the schema; delete {file.parent} and rerun."
            )


def moved(record: Record, move: Callable[[str], str]) -> Record:
    """The record with every path in it moved."""
    changes = {field.name: _moved_paths(record[field.name], move) for field in PATHS if record.get(field.name)}
    return record | changes


def _moved_paths(value: Any, move: Callable[[str], str]) -> Any:
    """One path, a list of paths, or paths by style, each of them moved."""
    if isinstance(value, dict):
        return {style: move(path) for style, path in value.items()}
    return [move(path) for path in value] if isinstance(value, list) else move(value)


def is_licensed(columns: Mapping[str, Any]) -> bool:
    """Whether it is known what a photo may be used for and where it is from: licence, and author or source_url."""
    return bool(columns.get("licence") and (columns.get("author") or columns.get("source_url")))
