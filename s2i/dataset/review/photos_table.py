"""photos.csv as it is changed by a review: a cell at a time, all else as it was."""

import csv
from pathlib import Path, PurePosixPath

from s2i.core import tables
from s2i.core.errors import UserError
from s2i.core.files import whole_file
from s2i.core.user_files import read_text
from s2i.dataset.ingest.sources.folder import TABLE
from s2i.dataset.ingest.sources.listing import Photo, list_photos
from s2i.dataset.ingest.sources.names import find_file
from s2i.dataset.ingest.sources.table import delimiter_of


class PhotosTable:
    """The photos.csv of a folder.

    It is read anew for every question and every change, so that what others write meanwhile stays.  A folder without
    one gets one with the first change, which lists every photo.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def column(self, name: str) -> dict[str, str]:
        """{photo: what the column says of it} for those photos that it says something of."""
        _, header, rows = self._read()
        names = _plain(header)
        if name not in names:
            return {}
        file, column = names.index("file"), names.index(name)
        return {_name(row[file]): row[column].strip() for row in reversed(rows) if row[column].strip()}

    def change(self, photo: str, **cells: str) -> None:
        """Write cells of a photo, by column; "" empties one.

        Raises UserError when the table cannot be read without losing a row, or does not list the photo.
        """
        delimiter, header, rows = self._read()
        names = _plain(header)
        row = next((row for row in rows if _name(row[names.index("file")]) == photo), None)
        if row is None:
            raise UserError(f"{self._file()} does not list {photo}: add a row for it.")
        for column, text in cells.items():
            if column not in names:
                names.append(column)
                header.append(column)
                for each in rows:
                    each.append("")
            row[names.index(column)] = " ".join(text.split())
        with whole_file(self._file()) as draft, open(draft, "w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows([header, *rows])

    def _file(self) -> Path:
        return find_file(self.folder, TABLE) or self.folder / TABLE

    def _read(self) -> tuple[str, list[str], list[list[str]]]:
        """The delimiter, the header and the rows, each as long as the header; empty rows are left out."""
        file = self._file()
        if not file.exists():
            return ",", ["file"], [[photo.name] for photo in list_photos(self.folder) if isinstance(photo, Photo)]
        text = read_text(file)
        delimiter = delimiter_of(text)
        header, *rows = (row for row in tables.rows(text, delimiter) if row.problem or any(row.cells))
        if "file" not in _plain(header.cells):
            raise UserError(f"{file} has no column 'file': its first line must name the columns.")
        for row in rows:
            if problem := row.problem or ("" if len(row.cells) == len(header.cells) else "it does not fit the columns"):
                raise UserError(f"{file} line {row.line} cannot be kept as it is ({problem}): mend it first.")
        return delimiter, header.cells, [row.cells for row in rows]


def _name(cell: str) -> str:
    return PurePosixPath(cell.strip()).as_posix()


def _plain(header: list[str]) -> list[str]:
    return [name.strip().lower() for name in header]
