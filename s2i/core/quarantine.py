"""What is not used and why: quarantine.csv (file, reason) beside a stage's records."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


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
    """Write folder/quarantine.csv; bytes of file names that are not UTF-8 are written as escapes."""
    with open(folder / "quarantine.csv", "w", encoding="utf-8", errors="backslashreplace", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(("file", "reason"))
        writer.writerows((file.name, file.reason) for file in refused)


def read(folder: Path) -> list[dict[str, str]]:
    """The rows of folder/quarantine.csv."""
    with open(folder / "quarantine.csv", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))
