"""Photos that the rows of a table describe, with the files that the rows name."""

import os
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path, PurePosixPath

from s2i.core.errors import Unreadable
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import table
from s2i.dataset.ingest.sources.listing import Photo, list_photos, name_of
from s2i.dataset.ingest.sources.names import Names
from s2i.dataset.ingest.sources.table import COMPANIONS, Described


def photos_of(rows: Iterable[Described | Refused], folder: Path) -> Generator[Photo | Refused, None, list[Photo]]:
    """The photo of each row and what cannot be used; returns those photos of the folder that no row names.

    Names in rows are relative to the folder.  Of two rows that name one photo the first counts.
    """
    listed: set[str] = set()  # every file that a row names
    first: dict[Path, Described] = {}  # the row of each photo, by its file
    names = Names(folder)
    for row in rows:
        if isinstance(row, Refused):
            yield row
            continue
        listed |= {PurePosixPath(value).as_posix() for value in row.cells.values()}
        for photo in _photos(row, names):
            if isinstance(photo, Photo):
                files = (photo.file, *photo.sketches, photo.labels, photo.matte)
                listed |= {name_of(path, folder) for path in files if path}
                if (earlier := first.setdefault(photo.file, row)) is not row:
                    detail = f"({row.table} line {row.line}; line {earlier.line} counts)"
                    photo = Refused(photo.name, "listed twice", detail)
            yield photo
    unlisted = []
    for photo in list_photos(folder):
        if isinstance(photo, Photo) and photo.name not in listed:
            unlisted.append(photo)
    return unlisted


def _photos(row: Described, names: Names) -> Iterator[Photo | Refused]:
    """The photo of a row, if it names one, and what of the row cannot be used."""
    if "refused" in row.cells:
        yield Refused(row.name, "refused", f"({row.cells['refused']}) {row.where}")
        return
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
