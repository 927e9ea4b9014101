"""Files by the names that people write down: with slashes of Windows, accents of a Mac, or letters of another case."""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from s2i.core.errors import Unreadable, UserError
from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources.listing import LINKED_FOLDER


def plain(name: str) -> str:
    """A name in the form in which names are the same that differ in case or in how their accents are stored."""
    return unicodedata.normalize("NFC", name).casefold()


def find_file(folder: Path, name: str) -> Path | None:
    """The file of a name in a folder, or the only one whose name is the same but for case; None where there is none.

    Raises UserError where several are.
    """
    names = sorted(os.listdir(folder))
    if name in names:
        return folder / name
    same = [other for other in names if plain(other) == plain(name)]
    if len(same) > 1:
        raise UserError(f"{folder} has {' and '.join(same)}, and none is called {name}: rename one of them so.")
    return folder / same[0] if same else None


def look_alikes(folder: Path, used: Path | None, name: str, suffixes: tuple[str, ...]) -> Iterator[Refused]:
    """Files that look as if they were meant for the file of a name, such as photos.csv.txt or photos.xlsx."""
    stem = plain(Path(name).stem)
    for other in sorted(os.listdir(folder)):
        is_meant = re.fullmatch(rf"{re.escape(stem)}\W.*", plain(other)) and plain(other).endswith(suffixes)
        if is_meant and folder / other != used and (folder / other).is_file():
            yield Refused(other, "not read", f"({'beside ' + used.name if used else 'save or rename it as ' + name})")


class Names:
    """Finds the files of a folder by their names; every folder in it is listed once."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._listings: dict[str, dict[str, list[str]]] = {}  # of each folder, the names by what they are plainly

    def find(self, name: str) -> Path | None:
        """The file of a name, a path in the folder; None where there is none.

        Raises ValueError for a name that leads out of the folder, and Unreadable for one in a linked folder.
        """
        if PurePosixPath(name).is_absolute() or ".." in re.split(r"[/\\]", name):
            raise ValueError(f"'{name}' leads out of the folder")
        found = self._walk(name.split("/"))
        if found is None and "\\" in name:
            found = self._walk(re.split(r"[/\\]", name))
        if found is None and PureWindowsPath(name).is_absolute():
            raise ValueError(f"'{name}' leads out of the folder")
        return found

    def _walk(self, parts: list[str]) -> Path | None:
        inside = ""
        steps = [part for part in parts if part not in ("", ".")]
        for number, part in enumerate(steps, start=1):
            same = self._names_in(inside).get(plain(part), [])
            if part not in same and len(same) != 1:
                return None
            inside = os.path.join(inside, part if part in same else same[0])
            if number < len(steps) and os.path.islink(self.folder / inside):
                raise Unreadable(LINKED_FOLDER, f"({inside})")
        return self.folder / inside if steps else None

    def _names_in(self, inside: str) -> dict[str, list[str]]:
        if inside not in self._listings:
            listing: dict[str, list[str]] = {}
            try:
                for name in os.listdir(self.folder / inside):
                    listing.setdefault(plain(name), []).append(name)
            except OSError:  # no folder, or one that cannot be opened: nothing is found in it
                pass
            self._listings[inside] = listing
        return self._listings[inside]
