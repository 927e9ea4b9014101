"""A Sketchy database in which folders, lists and classes are not as they should be."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bad_inputs.photos import PHOTOS, counted
from helpers.houses import house
from helpers.trials import RIGHT, Expected, Trial, named, refused
from PIL import Image

INSIDE = f"{PHOTOS}/256x256"
Put = Callable[[Path], object]


def database(folder: Path) -> None:
    """Two classes of six photos with a sketch each, in the place of the photos."""
    for file in (folder / PHOTOS).iterdir():
        file.unlink()
    (folder / PHOTOS / "info").mkdir()
    for number in range(12):
        for kind, name in (("photo", f"n{number}.jpg"), ("sketch", f"n{number}-1.png")):
            place = folder / INSIDE / kind / "tx_0" / ("cat", "dog")[number % 2]
            place.mkdir(parents=True, exist_ok=True)
            image = house(number)[:, :96]
            sketch = np.where(image[..., :1].repeat(3, 2) > 120, 255, 20).astype(np.uint8)
            Image.fromarray(image if kind == "photo" else sketch).save(place / name)
    text = (folder / "params.yaml").read_text(encoding="utf-8").replace("ingest: {", "ingest: {source: sketchy, ")
    (folder / "params.yaml").write_text(text, encoding="utf-8")


def trial(name: str, change: Put, expected: Expected, count: int | None = 12) -> Trial:
    """A database with a change; count: of the photos that are used."""

    def prepare(folder: Path) -> None:
        database(folder)
        change(folder / PHOTOS)

    check = counted(count) if count is not None else lambda folder: None
    return Trial("Sketchy databases", name, prepare, expected, check=check)


def listed(content: bytes) -> Put:
    return lambda photos: (photos / "info/invalid-x.txt").write_bytes(content)


def hidden_class(photos: Path) -> None:
    for kind in ("photo", "sketch"):
        (photos / f"256x256/{kind}/tx_0/.ipynb_checkpoints").mkdir()
    Image.fromarray(house(50)).save(photos / "256x256/photo/tx_0/.ipynb_checkpoints/n50.jpg")


def empty_class(photos: Path) -> None:
    for kind in ("photo", "sketch"):
        (photos / f"256x256/{kind}/tx_0/bird").mkdir()


def classes(text: str) -> Put:
    def change(photos: Path) -> None:
        file = photos.parents[1] / "params.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("sketchy, ", f"sketchy, classes: {text}, "), "utf-8")

    return change


def without(path: str) -> Put:
    return lambda photos: (photos / path).rename(photos.parents[1] / "moved")


TRIALS = [
    trial("whole", lambda photos: None, RIGHT),
    trial(
        "a list that is a folder",
        lambda photos: (photos / "info/invalid-x.txt").mkdir(),
        refused("no file .a folder"),
        None,
    ),
    trial("a list that is a pipe", lambda photos: os.mkfifo(photos / "info/invalid-x.txt"), refused("a pipe"), None),
    trial("a list in Latin-1", listed(b"n0-1\ncaf\xe9\n"), refused("line 2 is not UTF-8"), None),
    trial("a list in UTF-16", listed("n0-1\n".encode("utf-16")), refused("is UTF-16"), None),
    trial("a list with U+0000", listed(b"n0-1\0\n"), named("names no sketch")),
    trial("a list of other names", listed(b"all of them\n"), named("names no sketch 'all of them'")),
    trial("a list of Windows' paths", listed(b"cat\\n0-1.png\r\n"), named("invalid sketch")),
    trial("a hidden class", hidden_class, RIGHT),
    trial("an empty class", empty_class, named("bird: empty class without a photo")),
    trial("no photo folder", without("256x256/photo"), refused("has no folder tx_"), None),
    trial("no sketch folder", without("256x256/sketch"), refused("has no folder tx_"), None),
    trial(
        "no sketches of a class", without("256x256/sketch/tx_0/cat"), named("missing while there are photos of 'cat'")
    ),
    trial("no photos of a class", without("256x256/photo/tx_0/cat"), named("missing while there are sketches"), 6),
    trial("no class chosen", classes("[]"), refused("ingest.classes is "), None),
    trial("a class chosen twice", classes("[cat, cat]"), refused("each may stand there once"), None),
    trial("a class that is not there", classes("[cats]"), refused("has no class 'cats'; did you mean 'cat'"), None),
    trial("a class that leads out", classes("['../photo']"), refused("has no class"), None),
]
