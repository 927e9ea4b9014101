"""Many small files as few tar files, so that DVC need not look after each of them."""

import tarfile
from collections.abc import Iterable
from pathlib import Path

from s2i import cache, records

MOST_FILES = 50_000  # a folder of more is packed
FILES_A_SHARD = 1000


def pack(folder: Path, target: Path, most_files: int = MOST_FILES) -> None:
    """Where a stage's folder holds too many files, put those of each subfolder into tar shards in its place.

    ``sketches/a-1.png`` becomes the member ``a-1.png`` of ``sketches/00017.tar``, and the records name it
    ``sketches/00017.tar/a-1.png``, which `s2i.files.open_binary` opens.  Files of one photo go to one shard, and which
    one hangs on its id alone, so that a new photo changes one.  The shards are as webdataset reads them.

    folder: where the files and records are now; target: where the folder will be renamed to.
    """
    loose = sorted(path for path in folder.rglob("*") if path.is_file() and path.parent != folder)
    if len(loose) <= most_files:
        return
    counts = {subfolder: _shards(loose, subfolder) for subfolder in {path.parent for path in loose}}

    def packed(path: Path) -> Path:
        shard = int(cache.fingerprint(_photo(path))[:8], 16) % counts[path.parent]
        return path.parent / f"{shard:05}.tar" / path.name

    members: dict[Path, list[Path]] = {}
    for path in loose:
        members.setdefault(packed(path).parent, []).append(path)
    for shard, files in members.items():
        _write(shard, files)
    moved = (
        records.moved(record, lambda path: str(packed(Path(path)) if Path(path).parent in counts else path))
        for record in records.read(folder)
    )
    records.write(moved, folder, target)


def _shards(files: Iterable[Path], subfolder: Path) -> int:
    """How many shards the files of one subfolder make: a power of two, so that it seldom changes."""
    count = sum(path.parent == subfolder for path in files)
    return 1 << ((count - 1) // FILES_A_SHARD).bit_length()


def _photo(path: Path) -> str:
    """The id of the photo that a file is of: ID.png, ID-pencil.png and ID-3.png are of one."""
    return path.stem.partition("-")[0]


def _write(shard: Path, files: list[Path]) -> None:
    """Move files into a tar file whose bytes hang on theirs alone."""
    with tarfile.open(shard, "w", format=tarfile.USTAR_FORMAT) as tar:
        for file in files:
            member = tarfile.TarInfo(file.name)
            member.size = file.stat().st_size
            with open(file, "rb") as content:
                tar.addfile(member, content)
            file.unlink()
