"""The Sketchy database as it is unpacked: photos in classes, each with several sketches drawn by people.

Source: Sangkloy, Burnell, Ham and Hays, "The Sketchy database: learning to retrieve badly drawn bunnies", 2016.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PureWindowsPath

from s2i.core.errors import UserError, hint
from s2i.core.quarantine import Refused
from s2i.core.user_files import read_text
from s2i.dataset.ingest.sources.listing import Photo, list_photos, name_of

Invalid = dict[str, tuple[str, int]]  # <id>-<k> of a sketch, and the list that calls it invalid, and in which line


def find(folder: Path, classes: Sequence[str] | None = None) -> Iterator[Photo | Refused]:
    """256x256/photo/tx_*/<class>/<id>.jpg, each with 256x256/sketch/tx_*/<class>/<id>-<k>.png; some classes or all.

    The first tx_ folder counts: the others hold the same photos and sketches placed otherwise.  Sketches that a list
    info/invalid-*.txt names are refused with the list's name, and those of no photo too; so are lines of a list that
    name no sketch, those of photos that are not read apart.
    Raises UserError when the folders are missing, a class that was asked for is not there or a list is not UTF-8.
    """
    photo_root, sketch_root = (_first_placement(folder / "256x256" / kind) for kind in ("photo", "sketch"))
    names, sketch_names = (_classes(root) for root in (photo_root, sketch_root))
    for requested in classes or ():
        if requested not in names:
            raise UserError(f"ingest.classes: {photo_root} has no class '{requested}'; {hint(requested, names)}")
    invalid = _invalid_sketches(folder / "info")
    yield from (_no_sketch(line, invalid) for line in invalid if not re.fullmatch(r".+-\d+", line))
    for name in classes or names:
        if not (sketch_root / name).is_dir():
            yield Refused(name_of(sketch_root / name, folder), "missing", f"while there are photos of '{name}'")
        yield from _of_class(name, folder, photo_root, sketch_root, invalid)
    if not classes:
        for name in sorted(set(sketch_names) - set(names)):
            yield Refused(name_of(photo_root / name, folder), "missing", f"while there are sketches of '{name}'")


def _classes(folder: Path) -> list[str]:
    """The folders of the classes, hidden ones left out."""
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _first_placement(folder: Path) -> Path:
    placements = sorted(path for path in folder.glob("tx_*") if path.is_dir())
    if not placements:
        raise UserError(f"{folder} has no folder tx_*: ingest.source 'sketchy' wants the database as it is unpacked.")
    return placements[0]


def _invalid_sketches(folder: Path) -> Invalid:
    """{<id>-<k>: the list that calls this sketch invalid, and in which line}, whether it names a file or a path."""
    return {
        PureWindowsPath(line.strip()).name.removesuffix(".png"): (f"info/{file.name}", number)
        for file in sorted(folder.glob("invalid-*.txt"))
        for number, line in enumerate(read_text(file).splitlines(), start=1)
        if line.strip()
    }


def _no_sketch(line: str, invalid: Invalid) -> Refused:
    name, number = invalid[line]
    return Refused(name, "names no sketch", f"'{line}' (line {number})")


def _of_class(
    name: str, folder: Path, photo_root: Path, sketch_root: Path, invalid: Invalid
) -> Iterator[Photo | Refused]:
    """The photos of one class with their sketches, and the files of the class that cannot be used."""
    sketches: dict[str, list[Path]] = {}  # by the id of their photo
    sketch_stems, photo_ids = set(), set()
    for sketch in list_photos(sketch_root / name):
        full_name = f"{name_of(sketch_root / name, folder)}/{sketch.name}"
        stem = Path(sketch.name).stem
        photo_id, _, number = stem.rpartition("-")
        sketch_stems.add(stem)
        if isinstance(sketch, Refused):
            yield Refused(full_name, sketch.why, sketch.detail)
        elif not (photo_id and number.isdecimal()):
            yield Refused(full_name, "wrong name", "(not ID-NUMBER)")
        elif stem in invalid:
            yield Refused(full_name, "invalid sketch", f"({invalid[stem][0]})")
        else:
            sketches.setdefault(photo_id, []).append(sketch.file)
    photos = list(list_photos(photo_root / name))
    if not photos:
        yield Refused(name_of(photo_root / name, folder), "empty class", "without a photo")
    for photo in photos:
        full_name = f"{name_of(photo_root / name, folder)}/{photo.name}"
        if isinstance(photo, Refused):
            yield Refused(full_name, photo.why, photo.detail)
            continue
        photo_ids.add(photo.file.stem)
        own = sorted(sketches.pop(photo.file.stem, ()), key=lambda file: int(file.stem.rpartition("-")[2]))
        yield Photo(photo.file, full_name, {"label": name}, tuple(own))
    for orphans in sketches.values():
        for file in orphans:
            yield Refused(name_of(file, folder), "no photo", "of its id")
    for line in invalid:
        if line not in sketch_stems and line.rpartition("-")[0] in photo_ids:
            yield _no_sketch(line, invalid)
