"""Photos from a folder tree, described by a photos.csv where there is one."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from s2i.errors import UserError

READ = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"})
NOT_READ = frozenset({".heic", ".heif", ".avif", ".jp2", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf"})

TEXTS = ("licence", "source_url", "author", "label", "structure", "color", "material", "style", "view", "roof")
NUMBERS = ("windows", "balconies")
YES_OR_NO = ("curved", "glass")
FILES = {"sketch": "given_sketch", "labels": "truth_labels", "matte": "truth_matte"}
YES, NO = ("true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True)
class Photo:
    """A photo as it was found: `name` is its path in the folder, `columns` what photos.csv says, as in a record."""

    file: Path
    name: str
    columns: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Refused:
    """A file that does not become a record: why, in words that can be counted, and what exactly was found."""

    name: str
    why: str
    detail: str = ""

    @property
    def reason(self) -> str:
        return f"{self.why} {self.detail}".strip()


def find(folder: Path) -> Iterator[Photo | Refused]:
    """The photos of a folder: the rows of its photos.csv, or else every picture of the tree, in a stable order.

    photos.csv has a column `file` and any of TEXTS, NUMBERS, `curved`, `glass`, `caption`, and of the companions
    `sketch`, `labels`, `matte`; paths are relative to the folder, other columns are ignored.
    Raises UserError when the folder is missing or photos.csv cannot be read as a table.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder: put your photos there, or name another one in dvc.yaml.")
    table = folder / "photos.csv"
    return _rows(table) if table.exists() else _tree(folder)


def _tree(folder: Path) -> Iterator[Photo | Refused]:
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        suffix = file.suffix.lower()
        hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
        if hidden or file.is_dir():
            continue
        if suffix in READ:
            yield Photo(file, name)
        elif suffix in NOT_READ:
            yield Refused(name, f"{suffix} is not read", "(convert it to .jpg or .png)")


def _rows(table: Path) -> Iterator[Photo | Refused]:
    try:
        with open(table, encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines, restkey="", strict=True)
            if "file" not in (reader.fieldnames or ()):
                raise UserError(f"{table} has no column 'file': its first line must name the columns.")
            for row in reader:
                yield _photo(table.parent, row, f"({table.name} line {reader.line_num})")
    except UnicodeDecodeError:
        raise UserError(f"{table} is not UTF-8: save it as CSV in UTF-8.") from None
    except csv.Error as error:
        raise UserError(f"{table} line {reader.line_num} cannot be read as CSV: {error}.") from None


def _photo(folder: Path, row: dict, where: str) -> Photo | Refused:
    name = (row["file"] or "").strip()
    if not name:
        return Refused("photos.csv", "no file named", where)
    if "" in row or None in row.values():
        return Refused(name, "row does not fit the columns", where)
    row = {column: value.strip() for column, value in row.items() if value.strip()}
    try:
        columns = {column: row[column] for column in TEXTS if column in row}
        columns |= {column: _count(column, row[column]) for column in NUMBERS if column in row}
        columns |= {column: _yes(column, row[column]) for column in YES_OR_NO if column in row}
        columns |= {"given_caption": row["caption"]} if "caption" in row else {}
        file = _inside(folder, name)
        companions = {column: _inside(folder, row[name]) for name, column in FILES.items() if name in row}
    except ValueError as error:
        return Refused(name, "wrong value", f"{error} {where}")
    for companion in companions.values():
        if not companion.is_file():
            return Refused(name, "companion missing", f"{companion.relative_to(folder).as_posix()} {where}")
    if not file.exists() and not file.is_symlink():
        return Refused(name, "missing", where)
    return Photo(file, name, columns | {column: str(path) for column, path in companions.items()})


def _count(column: str, value: str) -> int:
    try:
        number = float(value)
    except ValueError:
        number = -1
    if number < 0 or number != int(number):
        raise ValueError(f"{column} is '{value}', not a whole number")
    return int(number)


def _yes(column: str, value: str) -> bool:
    if value.lower() not in YES + NO:
        raise ValueError(f"{column} is '{value}', neither true nor false")
    return value.lower() in YES


def _inside(folder: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"'{name}' leads out of the folder")
    return folder / path
