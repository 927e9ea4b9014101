"""Folders as kohya's sd-scripts and SimpleTuner train on: a caption in text beside each photo, control images apart.

Sources: https://github.com/kohya-ss/sd-scripts (docs/train_README.md, docs/config_README.md) and
https://github.com/bghira/SimpleTuner (documentation/DATALOADER.md).
"""

import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath

from s2i.core.quarantine import Refused
from s2i.core.user_files import read_text
from s2i.dataset.ingest.sources import metadata, split_names, table
from s2i.dataset.ingest.sources.described import photos_of
from s2i.dataset.ingest.sources.imagefolder import find_tables, rows_of
from s2i.dataset.ingest.sources.listing import Photo, list_photos, name_of
from s2i.dataset.ingest.sources.table import Described

CAPTIONS = (".txt", ".caption")
CONTROLS = ("conditioning", "conditioning_data", "control", "control_images", "controls", "sketches")  # folders
REPEATS = re.compile(r"\d+_(.+)")  # kohya's folders: how often a step sees the photos, and what they show
REGULARISING = "reg"  # kohya's folder of generated images, beside img
IMAGES = "img"
NOTES = ("readme", "README", "license", "LICENSE", "licence", "requirements", "sample_prompts")  # no captions


def find(folder: Path, columns: Mapping[str, str], card: Mapping[str, str]) -> Iterator[Photo | Refused]:
    """The photos of a folder with their captions, and the control images of the same names as their sketches.

    A caption is from a metadata table, from a meta*.json of kohya's, or from NAME.txt or NAME.caption beside NAME.png,
    or it is what the folder of photos is called (10_red house).  Control images stand below one of CONTROLS.
    columns: `ingest.columns`.  card: what holds for every photo, unless a table says otherwise.
    Raises UserError when a table cannot be read.
    """
    beside = _Beside(folder)
    rows = photos_of(rows_of(find_tables(folder), folder, columns, card), folder)
    unlisted = yield from beside.completed(rows)
    for photo in unlisted:
        parts = PurePosixPath(photo.name).parts
        if parts[0] in CONTROLS:
            continue
        if REGULARISING in parts and (folder / IMAGES).is_dir():
            yield Refused(photo.name, "regularisation image", f"(in {REGULARISING}, beside {IMAGES})")
            continue
        split = split_names.of_folder(photo.name)
        facts = {**card, **({"split": split} if split else {})}
        yield from beside.complete(replace(photo, columns=facts))
    yield from beside.left_over()


class _Beside:
    """What stands beside the photos of a folder: captions in text or in kohya's tables, and control images."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.controls = dict(_controls(folder))  # by the name of their photo, without its suffix
        self.used: set[Path] = set()  # caption files and control images that a photo was found for
        self.captions: dict[str, str] = {}
        for file in sorted(folder.glob("meta*.json")):
            self.captions |= metadata.captions(file)

    def completed(
        self, outcomes: Generator[Photo | Refused, None, list[Photo]]
    ) -> Generator[Photo | Refused, None, list[Photo]]:
        """The outcomes with what stands beside their photos; returns what they return."""
        while True:
            try:
                outcome = next(outcomes)
            except StopIteration as end:
                return end.value
            if isinstance(outcome, Photo):
                yield from self.complete(outcome)
            else:
                yield outcome

    def complete(self, photo: Photo) -> Iterator[Photo | Refused]:
        """The photo with its caption and its sketch where it has none yet, and what cannot be used of them."""
        path = PurePosixPath(photo.name).with_suffix("")
        if not photo.sketches:
            names = [path, PurePosixPath(*path.parts[1:]), PurePosixPath(path.name)]
            control = next((self.controls[str(name)] for name in names if str(name) in self.controls), None)
            if control:
                self.used.add(control)
                photo = replace(photo, sketches=(control,))
        source, text, refused = self._caption(photo, path)
        if text and "given_caption" not in photo.columns:
            columns, unusable = table.values(Described(source, 1, {"file": photo.name, "caption": text}))
            yield from [*refused, *unusable]
            photo = replace(photo, columns=photo.columns | columns)
        yield photo

    def left_over(self) -> Iterator[Refused]:
        """Captions and control images without a photo."""
        for file in sorted({file for suffix in CAPTIONS for file in self.folder.rglob(f"*{suffix}")} - self.used):
            name = name_of(file, self.folder)
            if "/" in name or file.stem not in NOTES:
                yield Refused(name, "no photo", "of its name")
        for file in sorted(set(self.controls.values()) - self.used):
            yield Refused(name_of(file, self.folder), "no photo", "of its name")

    def _caption(self, photo: Photo, path: PurePosixPath) -> tuple[str, str, list[Refused]]:
        """Where the caption of a photo stands, its text, and what of it is not used."""
        files = [photo.file.with_suffix(suffix) for suffix in CAPTIONS]
        present = [file for file in files if file.is_file()]
        self.used |= set(present)
        for key in (str(path), photo.name, path.name, str(photo.file)):
            if key in self.captions:
                return "meta*.json", self.captions[key], []
        if present:
            name = name_of(present[0], self.folder)
            lines = [line.strip() for line in read_text(present[0]).splitlines() if line.strip()]
            further = [Refused(name, "further lines", f"({len(lines) - 1}, the first is the caption)")] * (
                len(lines) > 1
            )
            return name, lines[0] if lines else "", further
        named = REPEATS.fullmatch(path.parent.name)
        return str(path.parent), named[1].strip() if named else "", []


def _controls(folder: Path) -> Iterator[tuple[str, Path]]:
    """Each control image by its path in its folder, without its suffix."""
    for name in CONTROLS:
        if (folder / name).is_dir():
            for image in list_photos(folder / name):
                if isinstance(image, Photo):
                    yield str(PurePosixPath(image.name).with_suffix("")), image.file
