"""Pairs of photo and sketch by number, with prompts: the layout of the architecture set of 35 pairs."""

import re
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath

from s2i.core.errors import UserError
from s2i.core.quarantine import Refused
from s2i.core.user_files import read_json
from s2i.dataset.ingest.sources.listing import Photo, list_photos
from s2i.dataset.ingest.sources.names import find_file, look_alikes, plain
from s2i.vocabulary import prompt_limits
from s2i.vocabulary.prompt_limits import MAX_WORDS

PROMPTS, PROMPT_SUFFIXES = "prompts.json", (".json", ".jsonl", ".txt", ".csv", ".yaml")
MAX_SHOWN = 100  # characters of a name that is no photo's
PHOTOS, SKETCHES = ("Images", "image"), ("Sketches", "sketch")  # folder, and what file names begin with


def find(folder: Path) -> Iterator[Photo | Refused]:
    """The photos of Images/image_*, each with its sketch in Sketches/sketch_* and its prompt.

    prompts.json is a list of {"image": file name, "prompt": text}; it may be missing, and prompts may be empty.  A
    photo without a sketch is used, and the sketch it lacks is refused by name; so are sketches without a photo,
    files named otherwise, and entries of prompts.json that cannot be used.
    Raises UserError when a folder is missing or prompts.json is not such a list.
    """
    images, refused_photos = _images_by_number(folder, *PHOTOS)
    sketches, refused_sketches = _images_by_number(folder, *SKETCHES)
    prompts, refused_entries = _prompts(folder, {photo.file.name for photo in images.values()})
    yield from [*refused_photos, *refused_sketches, *refused_entries]
    for number, photo in images.items():
        sketch = sketches.pop(number, None)
        if not sketch:
            yield Refused(f"{'/'.join(SKETCHES)}_{number}.png", "missing", f"while {photo.name} is there")
        prompt = prompts.get(photo.file.name)
        columns = {"given_caption": prompt} if prompt else {}
        yield Photo(photo.file, photo.name, columns, (sketch.file,) if sketch else ())
    for sketch in sketches.values():
        yield Refused(sketch.name, "no photo", f"of its number in {PHOTOS[0]}")


def _images_by_number(folder: Path, name: str, prefix: str) -> tuple[dict[str, Photo], list[Refused]]:
    """The images of one folder by what follows `prefix_` in their names."""
    inside = folder / name
    if not inside.is_dir():
        raise UserError(f"{inside} is not a folder: ingest.source 'paired' wants {PHOTOS[0]} and {SKETCHES[0]} there.")
    numbered: dict[str, Photo] = {}
    refused: list[Refused] = []
    for image in list_photos(inside):
        match = re.fullmatch(rf"{prefix}_(.+)", Path(image.name).stem)
        full_name = f"{name}/{image.name}"
        if isinstance(image, Refused):
            refused.append(Refused(full_name, image.why, image.detail))
        elif not match:
            refused.append(Refused(full_name, "wrong name", f"(not {prefix}_NUMBER)"))
        elif match[1] in numbered:
            refused.append(Refused(full_name, "number taken", f"by {numbered[match[1]].name}"))
        else:
            numbered[match[1]] = Photo(image.file, full_name)
    return numbered, refused


def _prompts(folder: Path, photo_names: set[str]) -> tuple[dict[str, str], list[Refused]]:
    """{file name of a photo: prompt}, and the entries that cannot be used."""
    file = find_file(folder, PROMPTS)
    refused = list(look_alikes(folder, file, PROMPTS, PROMPT_SUFFIXES))
    if file is None:
        return {}, refused
    entries = read_json(file)
    if not isinstance(entries, list):
        raise UserError(f'{file} must be a list of {{"image": file name, "prompt": text}}, not {_kind(entries)}.')
    by_plain_name = {plain(name): name for name in photo_names}
    prompts: dict[str, str] = {}
    for number, entry in enumerate(entries, start=1):
        image, prompt = (entry.get("image"), entry.get("prompt")) if isinstance(entry, dict) else (None, "")
        given = PureWindowsPath(image).name if isinstance(image, str) else None  # after slashes of either kind
        name = given if given in photo_names else by_plain_name.get(plain(given or ""), given)
        where = f"({str(image)[:MAX_SHOWN]}, entry {number})"
        if not name:
            refused.append(Refused(file.name, "no image named", f"(entry {number})"))
        elif not isinstance(prompt, str | None):
            refused.append(Refused(file.name, "prompt is no text", where))
        elif re.search("[\ud800-\udfff]", prompt or ""):
            refused.append(Refused(file.name, "half a character", f"in the prompt {where}"))
        elif problem := prompt_limits.unusable(prompt or ""):
            refused.append(Refused(file.name, "unusable prompt", f"it {problem} {where}"))
        elif name not in photo_names:
            refused.append(Refused(file.name, "image missing", f"{str(image)[:MAX_SHOWN]} (entry {number})"))
        elif name in prompts:
            detail = f"{str(image)[:MAX_SHOWN]} (entry {number}); the first one counts"
            refused.append(Refused(file.name, "image named twice", detail))
        elif prompt is None:
            refused.append(Refused(file.name, "no prompt", where))
        else:
            prompts[name] = " ".join(prompt.split())
            if (words := len(prompt.split())) > MAX_WORDS:
                detail = f"of {words} words, of which about the first {MAX_WORDS} count {where}"
                refused.append(Refused(file.name, "long prompt", detail))
    return prompts, refused


def _kind(value: object) -> str:
    """What JSON calls the type of a value, or nearly so."""
    kinds = {dict: "a table", str: "a text", type(None): "null", bool: "true or false"}
    return kinds.get(type(value), "a number")
