"""What a source finds: photos with what is known of them, and files that cannot be used."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from s2i import images
from s2i.quarantine import Refused

NOT_READ = {".heic", ".heif", ".avif", ".jp2", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf"}


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
    """Every picture file below a folder in a stable order; formats that are known but not read are refused.

    Hidden files and files that are no pictures by their suffix are passed over.
    """
    for file in sorted(folder.rglob("*")):
        name, suffix = name_of(file, folder), file.suffix.lower()
        if file.is_dir() or any(part.startswith(".") for part in Path(name).parts):
            continue
        if suffix in images.readable():
            yield Photo(file, name)
        elif suffix in NOT_READ:
            plugin = (
                ", or pip install -e '.[heic]' and dvc repro --force ingest" if suffix in (".heic", ".heif") else ""
            )
            yield Refused(name, f"{suffix} is not read", f"(convert it to .jpg or .png{plugin})")


def name_of(file: Path, folder: Path) -> str:
    """A file's path in its source, with slashes on every system."""
    return file.relative_to(folder).as_posix()
