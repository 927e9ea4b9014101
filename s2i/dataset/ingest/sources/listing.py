"""The image files of a folder: photos with what is known of them, and files that cannot be used."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from s2i.core.quarantine import Refused
from s2i.imaging import io

UNREAD_SUFFIXES = {".heic", ".heif", ".avif", ".jp2", ".jxl", ".tga", ".psd"}
UNREAD_SUFFIXES |= {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"}

LINKED_FOLDER = "linked folder, which is not entered"
CLOSED_FOLDER = "folder that cannot be opened"


@dataclass(frozen=True)
class Photo:
    """A photo as it was found: `name` is its path in the source, `columns` what is known of it, as in a record.

    `sketches` are the drawings that came with it; `labels` and `matte` the truth that did.
    """

    file: Path
    name: str
    columns: dict = field(default_factory=dict)
    sketches: tuple[Path, ...] = ()
    labels: Path | None = None
    matte: Path | None = None


def list_photos(folder: Path) -> Iterator[Photo | Refused]:
    """Every image file below a folder in a stable order; formats that are known but not read are refused.

    Folders that are links, or that cannot be opened, are refused too.  Hidden files, and files that are no images by
    their suffix, are passed over.
    """
    files: list[Path] = []
    not_entered: dict[Path, str] = {}  # folders, and why

    def refuse_folder(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # the caller says so
            not_entered[Path(error.filename)] = CLOSED_FOLDER

    for parent, folders, names in os.walk(folder, onerror=refuse_folder):
        files += [Path(parent, name) for name in names]
        not_entered.update({Path(parent, name): LINKED_FOLDER for name in folders if Path(parent, name).is_symlink()})
    for file in sorted([*files, *not_entered]):
        name, suffix = name_of(file, folder), file.suffix.lower()
        if any(part.startswith(".") for part in Path(name).parts):
            continue
        if file in not_entered:
            yield Refused(name, not_entered[file])
        elif suffix in io.readable():
            yield Photo(file, name)
        elif suffix in UNREAD_SUFFIXES:
            plugin = (
                ", or pip install -e '.[heic]' and dvc repro --force ingest" if suffix in (".heic", ".heif") else ""
            )
            yield Refused(name, f"{suffix} is not read", f"(convert it to .jpg or .png{plugin})")


def name_of(file: Path, folder: Path) -> str:
    """A file's path in its source, with slashes on every system."""
    return file.relative_to(folder).as_posix()
