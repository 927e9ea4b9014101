"""An address copied into the cache, file by file, so that every layout of folders can be read from there."""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.files import write_json
from s2i.core.output_folders import alone
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import listing, locations
from s2i.dataset.ingest.sources.locations import SourceFile, in_threads
from s2i.imaging import io

KIND = "sources"  # of the cache's folders
DESCRIBING = {".csv", ".json", ".jsonl", ".parquet", ".txt", ".caption", ".md"}
SAVED_EVERY = 200  # files
VERSIONS = ".versions.json"  # in the copy: {name: version} of the files that are whole


def mirror(address: str) -> tuple[Path, list[Refused]]:
    """The folder with a copy of the photos at an address and of what describes them, and what cannot be fetched.

    A file whose version at the address is that of the copy is not fetched again; one that is gone there goes here too.
    Only images and tables are fetched.  Raises UserError when nothing is there, or when the network fails for good:
    what came until then is kept, and the next run goes on from it.
    """
    folder = cache.root() / KIND / cache.fingerprint(address)[:32]
    with alone(folder, wait=True):
        files: list[SourceFile] = []
        refused: list[Refused] = []
        for file in locations.list_files(address, _is_looked_at):
            unread = file if isinstance(file, Refused) else listing.not_read(Path(file.name), file.name)
            if unread:
                refused.append(unread)
            elif isinstance(file, SourceFile):
                files.append(file)
        if not files:
            raise UserError(f"{address} holds no photos ({', '.join(sorted(io.readable()))}): correct ingest.url.")
        _remove_others(folder, {file.name for file in files})
        refused += _bring_up_to_date(folder, files)
    return folder, refused


def _bring_up_to_date(folder: Path, files: Sequence[SourceFile]) -> list[Refused]:
    """Fetch those files whose versions the folder does not have; the ones that cannot be fetched."""
    present = {file.name for file in files}
    versions = {name: version for name, version in _versions(folder).items() if name in present}
    missing = [file for file in files if versions.get(file.name) != file.version or not (folder / file.name).exists()]

    def fetch(file: SourceFile) -> tuple[SourceFile, Refused | None]:
        return file, _fetch(file, folder)

    refused = []
    try:
        for number, (file, problem) in enumerate(in_threads(fetch, missing, "fetching"), start=1):
            if problem:
                refused.append(problem)
            else:
                versions[file.name] = file.version
            if number % SAVED_EVERY == 0:
                write_json(folder / VERSIONS, versions)
    finally:
        write_json(folder / VERSIONS, versions)
    return refused


def _fetch(file: SourceFile, folder: Path) -> Refused | None:
    """Copy a file into the folder; why it cannot be, where that is its own fault."""
    try:
        locations.persist(lambda: file.copy(folder / file.name), file.path)
    except (FileNotFoundError, PermissionError) as error:
        (folder / file.name).unlink(missing_ok=True)
        return Refused(file.name, "cannot be fetched", f"({type(error).__name__}: {error})"[:300])
    return None


def _is_looked_at(name: str) -> bool:
    path = PurePosixPath(name)
    looked_at = io.readable() | DESCRIBING | listing.UNREAD_SUFFIXES | listing.VIDEOS | listing.ARCHIVES
    return path.suffix.lower() in looked_at and not any(part.startswith(".") for part in path.parts)


def _versions(folder: Path) -> dict[str, str]:
    try:
        return json.loads((folder / VERSIONS).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _remove_others(folder: Path, names: set[str]) -> None:
    """Delete the files of the copy that the address has no longer."""
    for file in [*folder.rglob("*")]:
        if file.is_file() and file.name != VERSIONS and file.relative_to(folder).as_posix() not in names:
            file.unlink()
