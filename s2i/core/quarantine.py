"""What is not used and why: quarantine.csv (file, reason) beside a stage's records."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from s2i.core import tables
from s2i.core.user_files import read_text


@dataclass(frozen=True)
class Refused:
    """A file that is not used: why, in words that can be counted, and what exactly was found."""

    name: str
    why: str
    detail: str = ""

    @property
    def reason(self) -> str:
        return f"{self.why} {self.detail}".strip()


def write(refused: Iterable[Refused], folder: Path) -> None:
    """Write folder/quarantine.csv, which no spreadsheet computes; bytes that are not UTF-8 are written as escapes."""
    with open(folder / "quarantine.csv", "w", encoding="utf-8", errors="backslashreplace", newline="") as lines:
        tables.write(lines, [("file", "reason"), *((file.name, file.reason) for file in refused)])


def read(folder: Path) -> list[dict[str, str]]:
    """The rows of folder/quarantine.csv, as they were before they were written; raises UserError."""
    names, *rows = (row.cells for row in tables.rows(read_text(folder / "quarantine.csv")))
    return [dict(zip(names, map(tables.as_written, cells), strict=True)) for cells in rows]
