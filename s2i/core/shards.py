"""Many small files as few tar files, so that DVC need not look after each of them."""

import os
import tarfile
from pathlib import Path

from s2i.core import cache, records

MOST_FILES = 50_000  # a folder of more is packed
FILES_A_SHARD = 1000


def pack(folder: Path, target: Path) -> None:
    """Where a stage's folder holds too many files, put those of each subfolder into tar shards in its place.

    ``sketches/a-1.png`` becomes the member ``a-1.png`` of ``sketches/00017.tar``, and the records name it
    ``sketches/00017.tar/a-1.png``, which `files.open_binary` opens.  Files of one photo go to one shard, and which
    one hangs on its id alone, so that a new photo changes one.  The shards are as webdataset reads them.

    folder: where the files and records are now; target: where the folder will be renamed to.
    """
    names = {parent: files for parent, _, files in os.walk(folder) if files and Path(parent) != folder}
    if sum(map(len, names.values())) <= MOST_FILES:
        return
    # A power of two seldom changes.
    counts = {parent: 1 << ((len(files) - 1) // FILES_A_SHARD).bit_length() for parent, files in names.items()}
    for parent, files in names.items():
        members: dict[str, list[str]] = {}
        for name in sorted(files):
            members.setdefault(_shard(name, counts[parent]), []).append(name)
        for shard, inside in members.items():
            _write(Path(parent), shard, inside)

    def packed(path: str) -> str:
        parent, name = os.path.split(path)
        return os.path.join(parent, _shard(name, counts[parent]), name) if parent in counts else path

    records.write((records.moved(record, packed) for record in records.Records(folder)), folder, target)


def _shard(name: str, count: int) -> str:
    """The shard of a file, by the id of the photo it is of: ID.png, ID-pencil.png and ID-3.png go together."""
    photo = name.partition(".")[0].partition("-")[0]
    return f"{int(cache.fingerprint(photo)[:8], 16) % count:05}.tar"


def _write(parent: Path, shard: str, names: list[str]) -> None:
    """Move files into a tar file whose bytes hang on theirs alone."""
    with tarfile.open(parent / shard, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = (parent / name).stat().st_size
            with open(parent / name, "rb") as content:
                tar.addfile(member, content)
            (parent / name).unlink()
