"""Photos laid out as an `imagefolder` of the library `datasets`: metadata tables, folders of splits and of classes.

Source: https://huggingface.co/docs/datasets/image_dataset.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import metadata, split_names
from s2i.dataset.ingest.sources.described import photos_of
from s2i.dataset.ingest.sources.listing import Photo, list_photos, name_of
from s2i.dataset.ingest.sources.table import Described


def find(folder: Path, columns: Mapping[str, str], card: Mapping[str, str]) -> Iterator[Photo | Refused]:
    """The photos that metadata.csv, .jsonl or .parquet in any folder name, or else all of them, by class.

    columns: `ingest.columns`.  card: what holds for every photo, unless a table says otherwise.  A folder that is
    called train, validation or test is a split.  Without a table, photos in several folders are of these classes.
    """
    tables = find_tables(folder)
    if tables:
        unlisted = yield from photos_of(rows_of(tables, folder, columns, card), folder)
        yield from (Refused(photo.name, "not listed", f"in {tables[0].name}") for photo in unlisted)
        return
    found = list(list_photos(folder))
    classes = {_class(photo.name) for photo in found if isinstance(photo, Photo)}
    for photo in found:
        if isinstance(photo, Photo):
            label = _class(photo.name) if len(classes) > 1 else None
            facts = {"label": label, "split": split_names.of_folder(photo.name)}
            photo = replace(photo, columns={**card, **{name: value for name, value in facts.items() if value}})
        yield photo


def find_tables(folder: Path) -> list[Path]:
    """The metadata tables in a folder and in those below it, but for hidden ones."""
    files = sorted(file for name in metadata.NAMES for file in folder.rglob(name) if file.is_file())
    return [file for file in files if not name_of(file, folder).startswith(".") and "/." not in name_of(file, folder)]


def rows_of(
    tables: Iterable[Path], folder: Path, columns: Mapping[str, str], card: Mapping[str, str]
) -> Iterator[Described | Refused]:
    """The rows of all the tables, with what the card and the folders say of the photos."""
    for file in tables:
        for row in metadata.read(file, folder, columns):
            if isinstance(row, Described):
                split = split_names.of_folder(row.name)
                row = row._replace(cells={**card, **({"split": split} if split else {}), **row.cells})
            yield row


def _class(name: str) -> str | None:
    """The folder that a photo is in, where it is no split and not the whole data set."""
    parent = PurePosixPath(name).parent.name
    return parent if parent and parent.lower() not in split_names.SPLIT_OF else None
