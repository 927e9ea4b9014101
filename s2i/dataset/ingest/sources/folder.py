"""Photos from a folder tree, described by a photos.csv where there is one."""

import csv
import os
from collections.abc import Iterator
from difflib import get_close_matches
from io import StringIO
from pathlib import Path, PurePosixPath

from s2i.core.errors import UserError
from s2i.core.files import read_text
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources.listing import Photo, list_photos, name_of
from s2i.vocabulary import attributes
from s2i.vocabulary.attributes import COUNTS, FLAGS

TEXTS = ("licence", "source_url", "author", "label", *attributes.TEXTS)
COMPANIONS = ("sketch", "labels", "matte")
IGNORED = ("depth", "normals", "description", "seed")  # the corpus writes them too
KNOWN = ("file", "caption", *TEXTS, *COUNTS, *FLAGS, *COMPANIONS, *IGNORED)
MAX_COUNT = 2**31 - 1  # what an int32 column of the records holds
YES, NO = ("true", "yes", "1"), ("false", "no", "0")


def find(folder: Path) -> Iterator[Photo | Refused]:
    """The photos of a folder: the rows of its photos.csv, or else every image of the tree, in a stable order.

    photos.csv has a column `file` and any of TEXTS, COUNTS, FLAGS, `caption`, and of the companions in COMPANIONS;
    paths are relative to the folder.  Columns of other names, and images that no row names, are refused by name.
    Raises UserError when the folder is missing or photos.csv cannot be read as a table.
    """
    table = folder / "photos.csv"
    if not table.exists():
        yield from list_photos(folder)
        return
    listed: set[str] = set()  # every file that a row names
    lines: dict[Path, int] = {}  # of photos, by their file
    for row, line in _rows(table):
        if isinstance(row, Refused):
            yield row
            continue
        listed |= {PurePosixPath(value.strip()).as_posix() for value in row.values() if isinstance(value, str)}
        for photo in _photo(folder, row, f"({table.name} line {line})"):
            if isinstance(photo, Photo) and (first := lines.setdefault(photo.file, line)) != line:
                photo = Refused(photo.name, "listed twice", f"({table.name} line {line}; line {first} counts)")
            yield photo
    for photo in list_photos(folder):
        if isinstance(photo, Photo) and photo.name not in listed:
            yield Refused(photo.name, "not listed", f"in {table.name}")


def _rows(table: Path) -> Iterator[tuple[dict | Refused, int]]:
    """Each row and its line, after one refusal for each column that means nothing here."""
    text = read_text(table)
    header = text.partition("\n")[0]
    delimiter = next((mark for mark in ";\t" if mark in header and "," not in header), ",")  # as spreadsheets write it
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
        if "file" not in columns:
            raise UserError(f"{table} has no column 'file': its first line must name the columns.")
        if twice := [column for column in KNOWN if columns.count(column) > 1]:
            raise UserError(f"{table} has the column '{twice[0]}' twice: keep one.")
        for column in columns:
            if column and column not in KNOWN:
                close = get_close_matches(column, KNOWN, n=1)
                detail = f"'{column}'" + (f", did you mean '{close[0]}'?" if close else "")
                yield Refused(table.name, "unknown column", detail), 0
        nameless = False
        for row in reader:
            nameless |= bool(row.get(""))
            if any(row.values()):  # spreadsheets add empty rows
                yield row, reader.line_num
        if nameless:
            yield Refused(table.name, "unknown column", "without a name"), 0
    except csv.Error as error:
        raise UserError(f"{table} line {reader.line_num} cannot be read as CSV: {error}.") from None


def _photo(folder: Path, row: dict, where: str) -> list[Photo | Refused]:
    """The photo of a row, if it names one, and what of the row cannot be used."""
    name = (row["file"] or "").strip()
    if not name:
        return [Refused("photos.csv", "no file named", where)]
    if None in row or None in row.values():
        return [Refused(name, "row does not fit the columns", where)]
    row = {column: value.strip() for column, value in row.items() if value.strip()}
    try:
        columns: dict[str, str | int | bool] = {column: row[column] for column in TEXTS if column in row}
        columns |= {column: _parse_count(column, row[column]) for column in COUNTS if column in row}
        columns |= {column: _parse_flag(column, row[column]) for column in FLAGS if column in row}
        columns |= {"given_caption": row["caption"]} if "caption" in row else {}
        file = _inside(folder, name)
        companions = {kind: _inside(folder, row[kind]) for kind in COMPANIONS if kind in row}
    except ValueError as error:
        return [Refused(name, "wrong value", f"{error} {where}")]
    if not os.path.lexists(file):  # unlike Path.exists, of names that are too long too
        return [Refused(name, "missing", where)]
    missing = [kind for kind, companion in companions.items() if not os.path.isfile(companion)]
    refused = [
        Refused(name, "companion missing", f"{name_of(companions.pop(kind), folder)} {where}") for kind in missing
    ]
    sketch = companions.pop("sketch", None)
    return [Photo(file, name, columns, (sketch,) if sketch else (), **companions), *refused]


def _parse_count(column: str, value: str) -> int:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not (0 <= number <= MAX_COUNT and number.is_integer()):
        raise ValueError(f"{column} is '{value}', not a whole number from 0 to {MAX_COUNT}")
    return int(number)


def _parse_flag(column: str, value: str) -> bool:
    if value.lower() not in YES + NO:
        raise ValueError(f"{column} is '{value}', neither true nor false")
    return value.lower() in YES


def _inside(folder: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"'{name}' leads out of the folder")
    return folder / path
