"""The image files of a folder: photos with what is known of them, and files that cannot be used."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from s2i.core.quarantine import Refused
from s2i.imaging import decoding, io

UNREAD_SUFFIXES = {".heic", ".heif", ".avif", ".jp2", ".jxl", ".tga", ".psd", ".svg", ".pdf", ".eps", ".ai", ".ico"}
UNREAD_SUFFIXES |= {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"}
VIDEOS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v"}
ARCHIVES = {".zip", ".rar", ".7z"}
HEIC = ", or pip install -e '.[heic]' and dvc repro --force ingest"
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

    Folders that are links, or that cannot be opened, are refused too, and images that are not named as such.  Hidden
    files, and files that are no images, are passed over.
    """
    files: list[Path] = []
    not_entered: dict[Path, str] = {}  # folders, and why

    def refuse_folder(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # the caller says so
            not_entered[Path(error.filename)] = CLOSED_FOLDER

    for parent, folders, names in os.walk(folder, onerror=refuse_folder):
        files += [Path(parent, name) for name in names]
        linked = [Path(parent, name) for name in folders if os.path.islink(os.path.join(parent, name))]
        not_entered.update(dict.fromkeys(linked, LINKED_FOLDER))
    for file in sorted([*files, *not_entered]):
        name = name_of(file, folder)
        if any(part.startswith(".") for part in Path(name).parts):
            continue
        if file in not_entered:
            yield Refused(name, not_entered[file])
        elif file.suffix.lower() in io.readable():
            yield Photo(file, name)
        elif refused := not_read(file, name):
            yield refused


def not_read(file: Path, name: str) -> Refused | None:
    """Why an image of a suffix that is not read is not, and what to do; None for what is read, or no image."""
    suffix = file.suffix.lower()
    if suffix in io.readable():
        return None
    if suffix in UNREAD_SUFFIXES:
        plugin = HEIC if suffix in (".heic", ".heif") else ""
        return Refused(name, f"{suffix} is not read", f"(convert it to .jpg or .png{plugin})")
    if suffix in VIDEOS:
        return Refused(name, f"{suffix} is not read", "(save single images of it as .jpg or .png)")
    if suffix in ARCHIVES:
        return Refused(name, f"{suffix} is not read", "(unpack it)")
    if format := decoding.format_of(file):
        return Refused(name, "no suffix of a photo", f"(it is a {format}: name it {file.stem}.{format.lower()})")
    return None


def name_of(file: Path, folder: Path) -> str:
    """A file's path in its source, with slashes on every system."""
    return file.relative_to(folder).as_posix()
