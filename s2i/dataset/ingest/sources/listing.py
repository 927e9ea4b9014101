"""What a source finds: photos with what is known of them, and files that cannot be used."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from s2i.core.quarantine import Refused
from s2i.imaging import io

NOT_READ = {".heic", ".heif", ".avif", ".jp2", ".jxl", ".tga", ".psd"}
NOT_READ |= {".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2"}

LINKED = "linked folder, which is not entered"
NO_ENTRY = "folder that cannot be opened"


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


def photos(folder: Path) -> Iterator[Photo | Refused]:
    """Every image file below a folder in a stable order; formats that are known but not read are refused.

    Refused are folders too that are links or cannot be opened.  Hidden files and files that are no images by their
    suffix are passed over.
    """
    files: list[Path] = []
    closed: dict[Path, str] = {}  # folders, and why they are not entered

    def close(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):  # the caller says so
            closed[Path(error.filename)] = NO_ENTRY

    for parent, folders, names in os.walk(folder, onerror=close):
        files += [Path(parent, name) for name in names]
        closed.update({Path(parent, name): LINKED for name in folders if Path(parent, name).is_symlink()})
    for file in sorted([*files, *closed]):
        name, suffix = name_of(file, folder), file.suffix.lower()
        if any(part.startswith(".") for part in Path(name).parts):
            continue
        if file in closed:
            yield Refused(name, closed[file])
        elif suffix in io.readable():
            yield Photo(file, name)
        elif suffix in NOT_READ:
            plugin = (
                ", or pip install -e '.[heic]' and dvc repro --force ingest" if suffix in (".heic", ".heif") else ""
            )
            yield Refused(name, f"{suffix} is not read", f"(convert it to .jpg or .png{plugin})")


def name_of(file: Path, folder: Path) -> str:
    """A file's path in its source, with slashes on every system."""
    return file.relative_to(folder).as_posix()
