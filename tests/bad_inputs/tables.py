"""photos.csv and prompts.json as people write them: broken rows, other encodings, other names, odd cells."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bad_inputs.photos import PHOTOS, counted
from helpers.houses import house
from helpers.trials import INGEST, RIGHT, Call, Trial, named, refused
from PIL import Image

from s2i.core import quarantine
from s2i.core.records import Records

NAMES = [f"house-{number:02}.png" for number in range(12)]
COLUMNS = "file,caption,windows,curved,sketch,licence"
Put = Callable[[Path], object]


def table(*rows: str, header: str = COLUMNS, name: str = "photos.csv") -> Put:
    """Puts a photos.csv there that names all good photos, and then has these rows."""
    cells = "," * header.count(",")
    return raw("\n".join([header, *[photo + cells for photo in NAMES], *rows, ""]).encode(), name)


def raw(content: bytes, name: str = "photos.csv") -> Put:
    return lambda folder: (folder / PHOTOS / name).write_bytes(content)


def thirteenth(*puts: Put, name: str = "x.png") -> Put:
    """Puts another photo there, and then what else is to be."""

    def put(folder: Path) -> None:
        (folder / PHOTOS / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(house(90)).save(folder / PHOTOS / name)
        for other in puts:
            other(folder)

    return put


def bad_cells() -> list[Trial]:
    """A cell or a row that cannot be used costs itself; the photo, if it can be, and all others are used."""
    kind = "cells of photos.csv"
    rows = {
        "a count that is text": ("x.png,,many,,,", "wrong value windows is 'many'", 12),
        "a count below 0": ("x.png,,-1,,,", "wrong value windows is '-1'", 12),
        "a count of 5,000 digits": (f"x.png,,{'9' * 5000},,,", "wrong value windows is '9999", 12),
        "a count that is infinite": ("x.png,,inf,,,", "wrong value windows", 12),
        "a flag that is none": ("x.png,,,perhaps,,", "wrong value curved is 'perhaps'", 12),
        "a caption of 200 kB": (f"x.png,{'x' * 200_000},,,,", "unusable cell caption has 200,000 characters", 13),
        "a caption of 300 words": (f"x.png,{'house ' * 300},,,,", "long caption of 300 words", 13),
        "a caption with U+0007": (
            "x.png,a\a house,,,,",
            r"unusable cell caption holds the control character U\+0007",
            13,
        ),
        "a caption with U+0000": (
            "x.png,a\0 house,,,,",
            r"unusable cell caption holds the control character U\+0000",
            13,
        ),
        "a licence with U+001B": ("x.png,,,,,\033[31mCC0", "unusable cell licence holds", 13),
        "a caption with a private letter": ("x.png,a \ue000,,,,", "unusable cell caption holds", 13),
        "a cell too many": ("x.png,a,,,,,b", "row does not fit the columns", 12),
        "a cell too few": ("x.png,a", "row does not fit the columns", 12),
        "a quote inside quotes": ('x.png,"a "big" house",,,,', "row cannot be read as CSV", 12),
        "a quote that is not closed": ('x.png,"a house,,,,', "row cannot be read as CSV: a quote is not closed", 12),
        "no file": (",a house,,,,", "no file named", 12),
        "a file that is not there": ("gone.png,,,,,", "gone.png: missing", 12),
        "a file listed twice": ("house-00.png,,,,,", "listed twice", 12),
        "a file listed twice by another case": ("HOUSE-00.png,,,,,", "listed twice", 12),
        "a file outside": ("../params.yaml,,,,,", "leads out of the folder", 12),
        "a file from the root": ("/etc/passwd,,,,,", "leads out of the folder", 12),
        "a file on C:": (r"C:\photos\x.png,,,,,", "leads out of the folder", 12),
        "a file with .. of Windows": (r"sub\..\..\x.png,,,,,", "leads out of the folder", 12),
        "a name of 300 letters": (f"{'x' * 300}.png,,,,,", "missing", 12),
        "a name of 5,000 letters": (f"{'d/' * 2500}x.png,,,,,", "missing", 12),
        "a name with U+0000": ("x\0.png,,,,,", "missing", 12),
        "a folder as a photo": ("sub,,,,,", "sub: no file", 12),
        "a text as a photo": ("notes.txt,,,,,", "notes.txt: not an image", 12),
        "a sketch that is not there": ("x.png,,,,gone.png,", "companion missing gone.png", 13),
        "a folder as a sketch": ("x.png,,,,sub,", "companion missing sub", 13),
        "a sketch that is a text": ("x.png,,,,notes.txt,", "unusable companion notes.txt: not an image", 13),
        "a sketch that is the photo": ("x.png,,,,x.png,", "unusable companion x.png: the photo itself", 13),
        "a sketch that is the photo in JPEG": ("x.png,,,,x.jpg,", "unusable companion x.jpg: the photo itself", 13),
        "a white sketch": ("x.png,,,,white.png,", "unusable companion white.png: blank", 13),
        "a black sketch": ("x.png,,,,black.png,", "unusable companion black.png: blank", 13),
        "a clear sketch": ("x.png,,,,clear.png,", "unusable companion clear.png: blank", 13),
        "a sketch of another shape": ("x.png,,,,tall.png,", "unusable companion tall.png: shape", 13),
        "an empty sketch": ("x.png,,,,empty.png,", "unusable companion empty.png: empty file", 13),
    }
    trials = []
    for name, (row, words, count) in rows.items():
        prepare = thirteenth(companions, table(row))
        trials.append(Trial(kind, name, prepare, named(words), check=counted(count)))
    return trials


def companions(folder: Path) -> None:
    """Sketches that are none, a text and a folder."""
    photos = folder / PHOTOS
    (photos / "sub").mkdir()
    (photos / "notes.txt").write_text("no image\n", encoding="utf-8")
    (photos / "empty.png").write_bytes(b"")
    Image.fromarray(house(90)).save(photos / "x.jpg", quality=95)
    for name, shade in (("white", 255), ("black", 0)):
        Image.fromarray(np.full((96, 128), shade, np.uint8)).save(photos / f"{name}.png")
    Image.fromarray(np.zeros((96, 128, 4), np.uint8)).save(photos / "clear.png")
    Image.fromarray(house(91)[:, :40]).save(photos / "tall.png")


def files() -> list[Trial]:
    """A photos.csv that is no table, no file, or in another encoding: one sentence; odd but whole ones are read."""
    kind = "photos.csv as a file"
    listing = "\n".join([COLUMNS, *[f"{name},,,,," for name in NAMES]])
    sentences: dict[str, tuple[Put, str]] = {
        "in Latin-1": (raw(listing.replace("00.png,", "00.png,Häuser").encode("latin-1")), "line 2 is not UTF-8"),
        "in UTF-16": (raw(listing.encode("utf-16")), "is UTF-16 and not UTF-8"),
        "in UTF-32": (raw(listing.encode("utf-32")), "is UTF-32 and not UTF-8"),
        "a folder": (lambda folder: (folder / PHOTOS / "photos.csv").mkdir(), "no file .a folder"),
        "a pipe": (lambda folder: os.mkfifo(folder / PHOTOS / "photos.csv"), "no file .a pipe"),
        "a broken link": (linked("gone.csv"), "broken link"),
        "a link to itself": (
            linked("photos.csv"),
            "leads to itself",
        ),
        "a link to /dev/zero": (linked("/dev/zero"), "a device"),
        "of 3 GB, sparse": (sparse, "file too large"),
        "empty": (raw(b""), "has no column 'file'"),
        "of zeros": (raw(bytes(2000)), "has no column 'file'"),
        "an Excel file": (raw(b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0b\xee\x9dh"), "is not UTF-8"),
        "HTML": (raw(b"<!doctype html>\n<title>Sign in</title>\n"), "has no column 'file'"),
        "without a header": (raw("\n".join(NAMES).encode()), "has no column 'file'"),
        "with a column twice": (table(header="file,caption,caption"), "has the column 'caption' twice"),
        "with an open quote in its header": (raw(b'file,"caption\nhouse-00.png,x\n'), "line 1 cannot be read as CSV"),
        "in two cases": (twice, "rename one of them"),
    }
    trials = [Trial(kind, name, put, refused(words)) for name, (put, words) in sentences.items()]
    whole: dict[str, bytes] = {
        "with a mark": b"\xef\xbb\xbf" + listing.encode(),
        "with Windows' line ends": listing.replace("\n", "\r\n").encode(),
        "with an old Mac's line ends": listing.replace("\n", "\r").encode(),
        "with semicolons": listing.replace(",", ";").encode(),
        "with tabs": listing.replace(",", "\t").encode(),
        "with empty rows": (listing + "\n,,,,,\n\n\n,,,,,\n").encode(),
        "with a column in capitals": listing.replace("file", "FILE").encode(),
        "with quotes around all": "\n".join(
            '"' + '","'.join(line.split(",")) + '"' for line in listing.split("\n")
        ).encode(),
        "of names alone": "\n".join(["file", *NAMES]).encode(),
        "of 2,000 columns": "\n".join([listing.split("\n")[0] + "," * 2000, *[n + "," * 2005 for n in NAMES]]).encode(),
        "with a caption over lines": listing.replace("00.png,", '00.png,"a\nhouse"').encode(),
    }
    trials += [Trial(kind, name, raw(content), RIGHT, check=counted(12)) for name, content in whole.items()]
    for name in ("Photos.csv", "PHOTOS.CSV"):
        twelve = named("x.png: not listed")  # so it was read
        trials.append(Trial(kind, f"called {name}", thirteenth(table(name=name)), twelve, check=counted(12)))
    for name in ("photos.csv.txt", "photos.tsv", "photos.xlsx", "photos.ods", "photos (1).csv", "Photos - Copy.csv"):
        words = f"{re.escape(name)}: not read"
        trials.append(Trial(kind, f"called {name}", table(name=name), named(words), check=counted(12)))
    many = table(*[f'"{number},a' for number in range(3000)])
    trials.append(Trial(kind, "with 3,000 open quotes", many, named("a quote is not closed"), check=counted(12)))
    columns = table(header="file,colour,owner,")
    trials.append(Trial(kind, "with unknown columns", columns, named("did you mean 'color'"), check=counted(12)))
    return trials


def linked(target: str) -> Put:
    return lambda folder: (folder / PHOTOS / "photos.csv").symlink_to(target)


def sparse(folder: Path) -> None:
    with open(folder / PHOTOS / "photos.csv", "wb") as file:
        file.truncate(3 * 10**9)


def twice(folder: Path) -> None:
    table(name="Photos.csv")(folder)
    table(name="PHOTOS.csv")(folder)


def paths() -> list[Trial]:
    """Names that are written otherwise than they are stored are found; those in linked folders are refused."""
    kind = "paths in photos.csv"
    stored_and_written = {
        "a Windows separator": ("sub/x.png", r"sub\x.png"),
        "separators of both kinds": ("sub/inner/x.png", r"sub\inner/x.png"),
        "./ before it": ("x.png", "./x.png"),
        "two slashes": ("sub/x.png", "sub//x.png"),
        "NFC for NFD": ("cafe\u0301.png", "caf\u00e9.png"),
        "NFD for NFC": ("caf\u00e9.png", "cafe\u0301.png"),
        "capitals": ("x.png", "X.PNG"),
        "a folder in capitals": ("Sub/x.png", "sub/x.png"),
        "spaces around it": ("x.png", "  x.png  "),
        "a backslash in its name": ("a\\b.png", "a\\b.png"),
        "a colon in its name": ("a:b.png", "a:b.png"),
        "a name that begins with =": ("=1+1.png", "=1+1.png"),
        "a name with a comma": ("a,b.png", '"a,b.png"'),
        "a name of other letters": ("家 дом 🏠.png", "家 дом 🏠.png"),
    }
    trials = []
    for name, (stored, written) in stored_and_written.items():
        prepare = thirteenth(table(written, header="file"), name=stored)
        trials.append(Trial(kind, name, prepare, RIGHT, check=counted(13)))

    def in_a_link(folder: Path) -> None:
        (folder / "elsewhere").mkdir()
        Image.fromarray(house(90)).save(folder / "elsewhere/x.png")
        (folder / PHOTOS / "linked").symlink_to(folder / "elsewhere")
        table("linked/x.png", header="file")(folder)

    def two_cases(folder: Path) -> None:
        for number, name in enumerate(("a.png", "A.png")):
            Image.fromarray(house(92 + number)).save(folder / PHOTOS / name)
        table("A.PNG", header="file")(folder)

    words = "linked/x.png: linked folder, which is not entered"
    trials.append(Trial(kind, "in a linked folder", in_a_link, named(words), check=counted(12)))
    trials.append(
        Trial(kind, "two files of one name but for case", two_cases, named("A.PNG: missing"), check=counted(12))
    )
    return trials


def formulas() -> list[Trial]:
    """Names of files that a spreadsheet would compute are neutralised in quarantine.csv, and read back as they are."""

    def check(name: str) -> Callable[[Path], tuple | None]:
        def look(folder: Path):
            text = (folder / "data/ingested/quarantine.csv").read_bytes().decode()
            rows = [row["file"] for row in quarantine.read(folder / "data/ingested")]
            if name not in rows:
                return "wrong", f"{rows} has no {name}"
            return None if f"\n'{name[0]}" in text or f"\n\"'{name[0]}" in text else ("damage", text[-200:])

        return look

    names = ["=1+1.png", "+1+1.png", "-x.png", "@x.png", "=cmd|' C'!A0.png", "'=x.png", "\t=x.png"]
    return [
        Trial("formulas", f"a photo named {name!r}", raw(b"no image", name), named("not an image"), check=check(name))
        for name in names
    ]


def paired(folder: Path) -> None:
    """The layout of pairs, of the twelve photos."""
    photos = folder / PHOTOS
    for part in ("Images", "Sketches"):
        (photos / part).mkdir()
    for number, name in enumerate(NAMES):
        (photos / name).rename(photos / f"Images/image_{number}.png")
        sketch = np.where(house(number)[..., :1].repeat(3, 2) > 120, 255, 20).astype(np.uint8)
        Image.fromarray(sketch).save(photos / f"Sketches/sketch_{number}.png")
    text = (folder / "params.yaml").read_text(encoding="utf-8").replace("ingest: {", "ingest: {source: paired, ")
    (folder / "params.yaml").write_text(text, encoding="utf-8")


def prompts(content: str | bytes, name: str = "prompts.json") -> Put:
    def put(folder: Path) -> None:
        paired(folder)
        (folder / PHOTOS / name).write_bytes(
            content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        )

    return put


def captions_are(expected: dict[str, str]) -> Callable[[Path], tuple | None]:
    """Checks which photos have which captions."""

    def check(folder: Path):
        found = {r["source"]: r["given_caption"] for r in Records(folder / "data/ingested") if r.get("given_caption")}
        return None if found == expected else ("wrong", f"captions are {str(found)[:200]}")

    return check


def prompt_lists() -> list[Trial]:
    kind = "prompts.json"
    good = {"image": "image_1.png", "prompt": "a house"}
    kept = {"Images/image_1.png": "a house"}
    sentences = {
        "100,000 brackets": ("[" * 100_000, "nested too deeply"),
        "100,000 objects": ('{"a":' * 100_000, "nested too deeply"),
        "no JSON": ("[{", "is not JSON"),
        "nothing": ("", "is not JSON"),
        "an object": (json.dumps(good), "must be a list"),
        "a number": ("7", "must be a list .* not a number"),
        "null": ("null", "must be a list .* not null"),
        "a text": ('"x"', "must be a list .* not a text"),
        "Latin-1": ('["Häuser"]'.encode("latin-1"), "line 1 is not UTF-8"),
        "UTF-16": ('["x"]'.encode("utf-16"), "is UTF-16"),
        "two documents": ("[] []", "is not JSON"),
        "a comment": ("// prompts\n[]", "is not JSON"),
    }
    trials = [Trial(kind, f"of {name}", prompts(text), refused(words)) for name, (text, words) in sentences.items()]
    digits = "9" * 5000
    entries = {
        "a number of 5,000 digits": (f'{{"image": "image_2.png", "prompt": {digits}}}', "prompt is no text"),
        "a number": ('{"image": "image_2.png", "prompt": 7}', "prompt is no text"),
        "a list": ('{"image": "image_2.png", "prompt": ["a"]}', "prompt is no text"),
        "NaN": ('{"image": "image_2.png", "prompt": NaN}', "prompt is no text"),
        "two prompts": ('{"image": "image_2.png", "prompt": "a", "prompt": "b"}', "prompt is no text"),
        "two images": ('{"image": "image_2.png", "image": "image_3.png", "prompt": "b"}', "no image named"),
        "2 MB": (f'{{"image": "image_2.png", "prompt": "{"x" * 2_000_000}"}}', "unusable prompt it has 2,000,000"),
        "U+0000": (r'{"image": "image_2.png", "prompt": "a\u0000b"}', "unusable prompt it holds the control"),
        "U+0007": (r'{"image": "image_2.png", "prompt": "a\u0007b"}', "unusable prompt it holds the control"),
        "half a character": (r'{"image": "image_2.png", "prompt": "\ud83d"}', "half a character"),
        "no prompt": ('{"image": "image_2.png"}', "no prompt"),
        "no image": ('{"prompt": "a"}', "no image named"),
        "an image that is a number": ('{"image": 2, "prompt": "a"}', "no image named"),
        "an image that is not there": ('{"image": "image_77.png", "prompt": "a"}', "image missing image_77.png"),
        "an image named twice": ('{"image": "IMAGE_1.png", "prompt": "b"}', "image named twice"),
        "an image of 3,000 letters": (f'{{"image": "{"x" * 3000}", "prompt": "a"}}', "image missing"),
        "text in an entry's place": ('"image_2.png"', "no image named"),
        "null in an entry's place": ("null", "no image named"),
    }
    for name, (entry, words) in entries.items():
        text = f"[{json.dumps(good)}, {entry}]"
        trials.append(Trial(kind, f"an entry with {name}", prompts(text), named(words), check=captions_are(kept)))
    lists = {
        "a prompt over lines": ({"image": "image_1.png", "prompt": "a\n\t house "}, kept),
        "a Windows path": ({"image": r"C:\set\Images\image_1.png", "prompt": "a house"}, kept),
        "a name in capitals": ({"image": "IMAGE_1.PNG", "prompt": "a house"}, kept),
        "an empty prompt": ({"image": "image_1.png", "prompt": ""}, {}),
    }
    for name, (entry, found) in lists.items():
        trials.append(Trial(kind, name, prompts(json.dumps([entry])), RIGHT, check=captions_are(found)))
    long = {"image": "image_1.png", "prompt": "house " * 300}
    trials.append(Trial(kind, "a prompt of 300 words", prompts(json.dumps([long])), named("long prompt of 300 words")))
    for name in ("Prompts.json", "PROMPTS.JSON"):
        trials.append(Trial(kind, f"called {name}", prompts(json.dumps([good]), name), RIGHT, check=captions_are(kept)))
    for name in ("prompts.json.txt", "prompts.jsonl", "prompts.csv"):
        words = f"{name}: not read"
        trials.append(Trial(kind, f"called {name}", prompts("[]", name), named(words), check=captions_are({})))

    def folder_in_its_place(folder: Path) -> None:
        paired(folder)
        (folder / PHOTOS / "prompts.json").mkdir()

    trials.append(Trial(kind, "a folder in its place", folder_in_its_place, refused("no file .a folder")))
    return trials


def write_answers(rows: str | bytes) -> Put:
    return lambda folder: (folder / "answers.csv").write_bytes(rows.encode() if isinstance(rows, str) else rows)


def compare(folder: Path) -> None:
    import sys

    from s2i.cli.main import main

    sys.argv = ["s2i", "captions", "answers.csv"]
    main()


def answers() -> list[Trial]:
    kind = "captions"
    header, good = "image,label,prompt,answer\n", "a.png,cat,What?,a cat\nb.png,cat,What?,a dog\n"
    sentences = {
        "no column": ("image,label\na,b\n", "has no column 'prompt'"),
        "nothing": ("", "has no column 'image'"),
        "a header alone": (header, "has no captions"),
        "Latin-1": ((header + "a.png,Käfer,x,y\n").encode("latin-1"), "line 2 is not UTF-8"),
        "UTF-16": (header.encode("utf-16"), "is UTF-16"),
        "a column twice": ("image,label,prompt,answer,answer\n", "has the column 'answer' twice"),
    }
    steps = (Call(compare),)
    trials = [
        Trial(kind, f"of {name}", write_answers(rows), refused(w), steps) for name, (rows, w) in sentences.items()
    ]
    rows = {
        "too many cells": ("c.png,cat,What?,a,b\n", "line 4 has 5 cells and not 4"),
        "no label": ("c.png,,What?,a\n", "line 4 has no label"),
        "no image": (",cat,What?,a\n", "line 4 has no image"),
        "an open quote": ('c.png,cat,What?,"a\n', "line 4 cannot be read as CSV"),
    }
    trials += [
        Trial(kind, f"a row with {name}", write_answers(header + good + row), named(words), steps)
        for name, (row, words) in rows.items()
    ]
    for prompt in ("=1+1", "@SUM(A1)", r"$\frac{$", "$", "-", "a\0b", "x" * 5000):
        text = header + f'a.png,cat,"{prompt}",a cat\nb.png,cat,"{prompt}",a dog\n'
        trials.append(Trial(kind, f"of the prompt {prompt[:12]!r}", write_answers(text), RIGHT, steps))

    def device(folder: Path) -> None:
        (folder / "answers.csv").symlink_to("/dev/zero")

    trials.append(Trial(kind, "/dev/zero", device, refused("no file .a device"), steps))
    trials.append(Trial(kind, "a folder", lambda f: (f / "answers.csv").mkdir(), refused("no file .a folder"), steps))
    trials.append(Trial(kind, "not there", lambda folder: None, refused("answers.csv cannot be read: missing"), steps))
    return trials


TRIALS = [
    *bad_cells(),
    *files(),
    *paths(),
    *formulas(),
    *prompt_lists(),
    *answers(),
    Trial("paths in photos.csv", "ingest anew of the same", table(), RIGHT, (INGEST, INGEST), counted(12)),
]
