"""Samples of a parquet file as data sets on the Hugging Face hub are stored: images in columns of bytes and path."""

import json
import shutil
from collections.abc import Iterator, Mapping
from tempfile import TemporaryFile
from typing import IO, Any

from s2i.core.errors import Unreadable, first_line
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import columns
from s2i.dataset.ingest.sources.table import COMPANIONS
from s2i.dataset.ingest.sources.unpacking import Sample

ROWS = 16  # that are in memory at a time
IMAGES = ("file", *COMPANIONS)


def samples(content: IO[bytes], name: str, given: Mapping[str, str]) -> Iterator[Sample | Refused]:
    """The rows of a parquet file with an image, {bytes, path} or bytes; other rows and columns are refused.

    Classes in numbers get the names that the schema of `datasets` gives them.
    Raises Unreadable for what is no parquet file, or has no column of images.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with TemporaryFile() as copy:  # parquet is read from its end
        shutil.copyfileobj(content, copy, 2**20)
        try:
            file = pq.ParquetFile(copy)
            meant = columns.meanings(file.schema_arrow.names, given)
            if "file" not in meant:
                raise Unreadable(
                    "no column of images", f"(it has {', '.join(file.schema_arrow.names)}: ingest.columns)"
                )
            classes = _classes(file.schema_arrow)
            label = meant.get("label")
            if label and label not in classes and pa.types.is_integer(file.schema_arrow.field(label).type):
                del meant["label"]  # a number says nothing
            yield from columns.unknown(file.schema_arrow.names, meant, "parquet")
            for row, values in enumerate(_rows(file, sorted(meant.values())), start=1):
                yield from _sample(_named(values, classes), meant, f"{name}/{row}")
        except pa.ArrowException as error:
            raise Unreadable("no parquet file, or not a whole one", f"({first_line(error)})") from None


def _rows(file: Any, names: list[str]) -> Iterator[dict[str, Any]]:
    """The rows of some columns; arrow keeps in memory what it read of a group of rows until the group ends."""
    for group in range(file.num_row_groups):
        for batch in file.iter_batches(ROWS, row_groups=[group], columns=names):
            yield from batch.to_pylist()


def _sample(values: dict[str, Any], meant: Mapping[str, str], name: str) -> Iterator[Sample | Refused]:
    images = {}
    for column in IMAGES:
        if column in meant and (content := _content(values.get(meant[column]))):
            images[column] = content
    if "file" not in images:
        yield Refused(name, "no image in the row", "(its bytes are not in the file)")
        return
    texts, problems = columns.cells(values, {key: value for key, value in meant.items() if key not in IMAGES})
    yield from (Refused(name, "unusable cell", problem) for problem in problems)
    yield Sample(name, texts, images)


def _content(value: object) -> bytes | None:
    content = value.get("bytes") if isinstance(value, dict) else value
    return content if isinstance(content, bytes) else None


def _classes(schema: Any) -> dict[str, list[str]]:
    """The names of classes by column, as `datasets` writes them into the schema."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError):
        return {}


def _named(values: dict[str, Any], classes: Mapping[str, list[str]]) -> dict[str, Any]:
    for column, names in classes.items():
        number = values.get(column)
        if isinstance(number, int):
            values[column] = names[number] if 0 <= number < len(names) else None
    return values
