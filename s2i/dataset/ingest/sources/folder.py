"""Photos from a folder tree, described by a photos.csv where there is one."""

from collections.abc import Iterator
from pathlib import Path

from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import table
from s2i.dataset.ingest.sources.described import photos_of
from s2i.dataset.ingest.sources.listing import Photo, list_photos
from s2i.dataset.ingest.sources.names import find_file, look_alikes

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
    unlisted = yield from photos_of(table.read(file), folder)
    yield from (Refused(photo.name, "not listed", f"in {file.name}") for photo in unlisted)
