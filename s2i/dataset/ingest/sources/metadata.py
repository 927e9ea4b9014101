"""Tables beside photos: metadata.csv, metadata.jsonl or metadata.parquet, as data sets and trainers have them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from s2i.core import tables
from s2i.core.errors import UserError, first_line
from s2i.core.quarantine import Refused
from s2i.core.user_files import MAX_TEXT, open_binary, read_json, read_text
from s2i.dataset.ingest.sources import columns
from s2i.dataset.ingest.sources.listing import name_of
from s2i.dataset.ingest.sources.table import Described

NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
BATCH = 1000  # rows that are in memory at a time


class Row(NamedTuple):
    """A row of a table in a folder: the line, counted from 1, and its values by column; a problem where it is none."""

    line: int
    values: dict[str, Any]
    problem: str = ""


def read(file: Path, root: Path, given: Mapping[str, str]) -> Iterator[Described | Refused]:
    """The rows of a table in terms of photos.csv, with names of files as they are from root.

    given: `ingest.columns`.  Columns that mean nothing here are refused once, rows that cannot be read each.
    Raises UserError when the file is no table, or names no files.
    """
    name = name_of(file, root)
    reported: set[str] = set()
    for row in _rows(file):
        where = f"({name} line {row.line})"
        if row.problem:
            yield Refused(name, "row cannot be read", f"{row.problem} {where}")
            continue
        meant = columns.meanings(row.values, given)
        unknown = [column for column in row.values if column not in reported]
        yield from columns.unknown(unknown, meant, name)
        reported |= set(row.values)
        cells, problems = columns.cells(row.values, meant)
        if "file" not in cells:
            yield Refused(name, "no file named", where)
            continue
        folder = file.parent.relative_to(root).as_posix()
        for column in ("file", "sketch", "labels", "matte"):
            if column in cells and folder != ".":
                cells[column] = f"{folder}/{cells[column]}"
        yield from (Refused(cells["file"], "unusable cell", f"{problem} {where}") for problem in problems)
        yield Described(name, row.line, cells)


def captions(file: Path) -> dict[str, str]:
    """{name: caption} of a table of kohya's, {name: {"caption": text, "tags": text}}; raises UserError for others."""
    content = read_json(file)
    if not isinstance(content, dict) or not all(isinstance(value, dict) for value in content.values()):
        raise UserError(f'{file} must be a table of {{name: {{"caption": text}}}}: correct it, or remove it.')
    found = {}
    for name, value in content.items():
        texts = [value[key] for key in ("caption", "tags") if isinstance(value.get(key), str) and value[key].strip()]
        if texts:
            found[name] = ", ".join(texts)
    return found


def _rows(file: Path) -> Iterator[Row]:
    return {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}[file.suffix](file)


def _csv(file: Path) -> Iterator[Row]:
    rows = tables.rows(read_text(file))
    header = next(rows, None)
    if header is None or header.problem:
        raise UserError(f"{file} line 1 cannot be read as CSV: its first line must name the columns.")
    names = [name.strip() for name in header.cells]
    for row in rows:
        if row.problem:
            yield Row(row.line, {}, f"as CSV: {row.problem}")
        elif len(row.cells) != len(names):
            if any(row.cells):
                yield Row(row.line, {}, f"as it has {len(row.cells)} cells for {len(names)} columns")
        else:
            yield Row(row.line, dict(zip(names, row.cells, strict=True)))


def _jsonl(file: Path) -> Iterator[Row]:
    with open_binary(file) as lines:
        for number, line in enumerate(iter(lambda: lines.readline(MAX_TEXT), b""), start=1):
            if not line.strip():
                continue
            try:
                values = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError) as error:
                yield Row(number, {}, f"as JSON: {first_line(error)}")
                continue
            yield Row(number, values) if isinstance(values, dict) else Row(number, {}, "as it is no table")


def _parquet(file: Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_binary(file) as opened, pq.ParquetFile(opened) as content:
            batches: Iterable[Any] = content.iter_batches(BATCH)
            rows = chain.from_iterable(batch.to_pylist() for batch in batches)
            yield from (Row(number, values) for number, values in enumerate(rows, start=1))
    except pa.ArrowException as error:
        raise UserError(f"{file} is no parquet file, or not a whole one: {first_line(error)}.") from None
