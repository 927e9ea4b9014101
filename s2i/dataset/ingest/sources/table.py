"""photos.csv: its columns, and what its rows say in values of the types that a record has."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from s2i.core import tables
from s2i.core.errors import UserError
from s2i.core.quarantine import Refused
from s2i.core.user_files import read_text
from s2i.dataset.ingest.sources import split_names
from s2i.vocabulary import attributes, prompt_limits
from s2i.vocabulary.attributes import COUNTS, FLAGS
from s2i.vocabulary.prompt_limits import MAX_WORDS

TEXTS = ("group", "licence", "source_url", "author", "label", *attributes.TEXTS)
COMPANIONS = ("sketch", "labels", "matte")
IGNORED = ("depth", "normals", "description", "seed")  # the corpus writes them too
REVIEWED = ("refused", "distinct")  # written by `s2i review`: why a photo is not used; yes for no near-duplicate
KNOWN = ("file", "caption", "split", *REVIEWED, *TEXTS, *COUNTS, *FLAGS, *COMPANIONS, *IGNORED)
MAX_COUNT = 2**31 - 1  # what an int32 column of the records holds
MAX_SHOWN = 60  # characters of a wrong value
YES, NO = ("true", "yes", "1"), ("false", "no", "0")


class Described(NamedTuple):
    """What a row says: all its cells that hold something, the name of a photo among them, and where it stands."""

    table: str
    line: int
    cells: dict[str, str]

    @property
    def name(self) -> str:
        """The photo as the row names it."""
        return self.cells["file"]

    @property
    def where(self) -> str:
        """The end of a sentence about the row."""
        return f"({self.table} line {self.line})"


def read(table: Path) -> Iterator[Described | Refused]:
    """The rows of a photos.csv, after one refusal for each column that means nothing here.

    Raises UserError when it cannot be read, or has no column `file`.
    """
    text = read_text(table)
    rows = tables.rows(text, delimiter_of(text))
    columns = _columns(table, next(rows, tables.Row(1, [])))
    yield from _unknown(table, columns)
    nameless = False
    for row in rows:
        where = f"({table.name} line {row.line})"
        named = {column: cell.strip() for column, cell in zip(columns, row.cells, strict=False) if cell.strip()}
        nameless |= bool(named.pop("", ""))
        if row.problem:
            yield Refused(table.name, "row cannot be read", f"as CSV: {row.problem} {where}")
        elif named and "file" not in named:
            yield Refused(table.name, "no file named", where)
        elif len(row.cells) < len(columns) or any(row.cells[len(columns) :]):
            if any(row.cells):  # spreadsheets add empty rows
                yield Refused(named.get("file", table.name), "row does not fit the columns", where)
        elif named:
            yield Described(table.name, row.line, named)
    if nameless:
        yield Refused(table.name, "unknown column", "without a name")


def delimiter_of(text: str) -> str:
    """What stands between the cells of a table: a comma, or what spreadsheets write, a semicolon or a tab."""
    header = text.partition("\n")[0]
    return next((mark for mark in ";\t" if mark in header and "," not in header), ",")


def _columns(table: Path, header: tables.Row) -> list[str]:
    """The names of the columns; raises UserError where they are not such as a row needs."""
    if header.problem:
        raise UserError(f"{table} line 1 cannot be read as CSV: {header.problem}.")
    columns = [name.strip().lower() for name in header.cells]
    if "file" not in columns:
        raise UserError(f"{table} has no column 'file': its first line must name the columns.")
    if twice := [column for column in KNOWN if columns.count(column) > 1]:
        raise UserError(f"{table} has the column '{twice[0]}' twice: keep one.")
    return columns


def _unknown(table: Path, columns: list[str]) -> Iterator[Refused]:
    for column in columns:
        if column and column not in KNOWN:
            close = get_close_matches(column, KNOWN, n=1)
            yield Refused(
                table.name, "unknown column", f"'{column}'" + (f", did you mean '{close[0]}'?" if close else "")
            )


def values(row: Described) -> tuple[dict[str, str | int | bool], list[Refused]]:
    """The columns of a record that a row fills, and its texts that cannot be used, or not whole.

    Raises ValueError for a split, a count or a flag that is none, which costs the row.
    """
    columns: dict[str, str | int | bool] = {}
    refused = []
    for column in (*TEXTS, "caption"):
        text = row.cells.get(column)
        if text is None:
            continue
        if problem := prompt_limits.unusable(text):
            refused.append(Refused(row.name, "unusable cell", f"{column} {problem} {row.where}"))
            continue
        if column == "caption" and len(text.split()) > MAX_WORDS:
            detail = f"of {len(text.split())} words, of which about the first {MAX_WORDS} count {row.where}"
            refused.append(Refused(row.name, "long caption", detail))
        columns["given_caption" if column == "caption" else column] = " ".join(text.split())
    columns |= {"split": split_names.parse(row.cells["split"])} if "split" in row.cells else {}
    columns |= {column: _parse_count(column, row.cells[column]) for column in COUNTS if column in row.cells}
    flags = [column for column in (*FLAGS, "distinct") if column in row.cells]
    columns |= {column: _parse_flag(column, row.cells[column]) for column in flags}
    return columns, refused


def _parse_count(column: str, value: str) -> int:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not (0 <= number <= MAX_COUNT and number.is_integer()):
        raise ValueError(f"{column} is '{value[:MAX_SHOWN]}', not a whole number from 0 to {MAX_COUNT}")
    return int(number)


def _parse_flag(column: str, value: str) -> bool:
    if value.lower() not in YES + NO:
        raise ValueError(f"{column} is '{value[:MAX_SHOWN]}', neither true nor false")
    return value.lower() in YES
