"""Photos from a folder tree, described by a photos.csv where there is one."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from s2i.core.errors import Unreadable
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import table
from s2i.dataset.ingest.sources.listing import Photo, list_photos, name_of
from s2i.dataset.ingest.sources.names import Names, find_file, look_alikes
from s2i.dataset.ingest.sources.table import COMPANIONS, Described

TABLE = "photos.csv"
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".xls", ".xlsx", ".ods", ".numbers", ".json")


def find(folder: Path) -> Iterator[Photo | Refused]:
    """The photos of a folder: the rows of its photos.csv, or else every image of the tree, in a stable order.

    photos.csv has a column `file` and any of those in `table.KNOWN`; paths are relative to the folder.  Columns of
    other names, images that no row names, and tables that are not read are refused by name.
    Raises UserError when photos.csv cannot be read as a table.
    """
    file = find_file(folder, TABLE)
    yield from look_alikes(folder, file, TABLE, TABLE_SUFFIXES)
    if file is None:
        yield from list_photos(folder)
        return
    listed: set[str] = set()  # every file that a row names
    first: dict[Path, Described] = {}  # the row of each photo, by its file
    names = Names(folder)
    for row in table.read(file):
        if isinstance(row, Refused):
            yield row
            continue
        listed |= {PurePosixPath(value).as_posix() for value in row.cells.values()}
        for photo in _photos(row, names):
            if isinstance(photo, Photo):
                files = (photo.file, *photo.sketches, photo.labels, photo.matte)
                listed |= {name_of(path, folder) for path in files if path}
                if (earlier := first.setdefault(photo.file, row)) is not row:
                    detail = f"({file.name} line {row.line}; line {earlier.line} counts)"
                    photo = Refused(photo.name, "listed twice", detail)
            yield photo
    for photo in list_photos(folder):
        if isinstance(photo, Photo) and photo.name not in listed:
            yield Refused(photo.name, "not listed", f"in {file.name}")


def _photos(row: Described, names: Names) -> Iterator[Photo | Refused]:
    """The photo of a row, if it names one, and what of the row cannot be used."""
    try:
        columns, refused = table.values(row)
        file = names.find(row.name)
        companions = {kind: names.find(row.cells[kind]) for kind in COMPANIONS if kind in row.cells}
    except ValueError as error:
        yield Refused(row.name, "wrong value", f"{error} {row.where}")
        return
    except Unreadable as error:
        yield Refused(row.name, error.reason, f"{error.detail} {row.where}")
        return
    if file is None:
        yield Refused(row.name, "missing", row.where)
        return
    found = {kind: path for kind, path in companions.items() if path is not None and os.path.isfile(path)}
    sketch = found.pop("sketch", None)
    yield Photo(file, name_of(file, names.folder), columns, (sketch,) if sketch else (), **found)
    yield from refused
    for kind in companions:
        if kind not in found and not (kind == "sketch" and sketch):
            yield Refused(row.name, "companion missing", f"{row.cells[kind]} {row.where}")
