"""Tables in CSV: those of people, of which a bad row costs itself alone, and those that people open in spreadsheets."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, TextIO

MAX_LINES = 1000  # that a quoted cell may go over; a quote that is never closed would take all that follows
MAX_CELL = 2**26  # characters, as many as a whole file may have
FORMULA = re.compile(r"[=+\-@\t\r']")  # what a spreadsheet computes begins so; a quote is what marks text
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE)


class Row(NamedTuple):
    """A row of a table: the line that it begins in, its cells, and why it is none, "" for one that is."""

    line: int
    cells: list[str]
    problem: str = ""


def rows(text: str, delimiter: str = ",") -> Iterator[Row]:
    """The rows of a table; after one that cannot be read as CSV the next line is read on."""
    csv.field_size_limit(MAX_CELL)
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)
    first = 0
    while first < len(lines):
        reader = csv.reader(islice(lines, first, first + MAX_LINES), delimiter=delimiter, strict=True)
        read = 0
        try:
            for cells in reader:
                yield Row(first + read + 1, cells)
                read = reader.line_num
        except csv.Error as error:
            reason = str(error)
            if "unexpected end of data" in reason:
                reason = "a quote is not closed"
            if first + reader.line_num < len(lines) and reader.line_num == MAX_LINES and read:
                first += read  # the row may end beyond the lines that were looked at
                continue
            yield Row(first + read + 1, [], reason)
            read += 1
        first += max(read, 1)


def neutralised(cell: object) -> object:
    """A cell such that no spreadsheet computes it: text that begins like a formula gets an apostrophe before it.

    Numbers stay numbers, also as text.  `as_written` is the way back.
    """
    is_formula = isinstance(cell, str) and FORMULA.match(cell) and not NUMBER.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def as_written(cell: str) -> str:
    """The text that `neutralised` was given."""
    return cell.removeprefix("'")


def write(file: TextIO, rows: Iterable[Sequence[object]]) -> None:
    """Write rows into an opened text file, neutralised."""
    csv.writer(file).writerows([neutralised(cell) for cell in row] for row in rows)
