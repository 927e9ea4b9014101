"""params.yaml as people edit it: keys twice, odd values, other encodings, what is no YAML, wrong variants."""

import os
from collections.abc import Callable
from pathlib import Path

from helpers.trials import INGEST, PARAMS, RIGHT, Trial, command, refused

Put = Callable[[Path], object]


def written(text: str | bytes) -> Put:
    """Puts this params.yaml there."""
    return lambda folder: (folder / "params.yaml").write_bytes(text.encode() if isinstance(text, str) else text)


def changed(key: str, value: str) -> Put:
    """Puts a params.yaml there in which a key of the first level, which may be new, has this value."""
    lines = [line for line in PARAMS.splitlines() if not line.startswith(f"{key}:")]
    return written("\n".join([*lines, f"{key}: {value}", ""]))


def values() -> list[Trial]:
    """A value that is none for its key: one sentence with the key."""
    wrong = {
        "resolution": [
            "640000",
            "-64",
            "0",
            "100",
            "64.5",
            "true",
            ".inf",
            ".nan",
            "null",
            "[64]",
            "{a: 64}",
            "big",
            '""',
        ],
        "rank": ["true", "false", "0", "-1", "1.5", ".inf", "99999999999999999999", "1e400", "[1]", "five", "010x"],
        "seed": ["-1", "true", "2147483648", "1.5", ".inf", "2026-01-01", "0x", "[]"],
        "base": ["7", "true", "[a]", "{a: b}", "null", "2026-01-01"],
        "method": ["magic", "1", "null", "[controlnet]"],
        "conditions": ["[]", "sketch", "[sketch, sketch]", "[sketch, smell]", "{sketch: 1}", "[[sketch]]"],
        "device": ["gpu", "0", "true"],
        "precision": ["fp8", "32", "null"],
        "ingest": [
            "{val: .inf}",
            "{val: true}",
            "{val: -0.1}",
            "{val: 0.9, test: 0.9}",
            "{near_duplicate: 99}",
            "{near_duplicate: true}",
            "{max_megapixels: 0}",
            "{max_megapixels: .inf}",
            "{max_megapixels: 1000}",
            "{max_megapixels: .nan}",
            "{classes: []}",
            "{classes: cat}",
            "{classes: [cat, cat]}",
            "{require_licence: perhaps}",
            "{source: cloud}",
            "[]",
            "7",
        ],
        "workers": ["{count: true}", "{count: 1000000}", "{count: -7}", "{count: 1.5}", "{engine: threads}"],
        "pair": ["{styles: []}", "{styles: pencil}", "{styles: [crayon]}", "{styles: [true]}", "{styles: [charcoal]}"],
        "augment": ["{variants: 0}", "{variants: 1000000000}", "{variants: true}", "{flip: 2}", "{flip: true}"],
        "train": [
            "{steps: 1, batch_size: 1, learning_rate: .inf}",
            "{steps: 1, batch_size: 1, learning_rate: true}",
            "{steps: 1, batch_size: 1, learning_rate: 0}",
            "{steps: 1, batch_size: 1000000, learning_rate: 1.0e-4}",
            "{steps: true, batch_size: 1, learning_rate: 1.0e-4}",
            "{steps: 1, batch_size: 1}",
            "{steps: 1, batch_size: 1, learning_rate: 1.0e-4, gradient_checkpointing: 3}",
            "null",
        ],
        "survey": ["{wanted: {}}", "{wanted: {smell: [a]}}", "{wanted: {style: []}}"],
        "generate": [
            "{steps: 0}",
            "{guidance_scale: .inf}",
            "{guidance_interval: [0]}",
            "{guidance_interval: [0, true]}",
        ],
    }
    trials = []
    for key, texts in wrong.items():
        for text in texts:
            sentence = refused(rf"params\.yaml: (the key ')?{key}[.' ]")
            trials.append(Trial("values of params.yaml", f"{key}: {text}", changed(key, text), sentence))
    return trials


def keys() -> list[Trial]:
    kind = "keys of params.yaml"
    sentences = {
        "a key twice": (PARAMS + "resolution: 128\n", r"line \d+ has the key 'resolution' again"),
        "a key twice in a group": (PARAMS.replace("{val: 0.3,", "{val: 0.2, val: 0.3,"), "has the key 'val' again"),
        "an unknown key": (PARAMS + "resolutoin: 64\n", "unknown key 'resolutoin', did you mean 'resolution'"),
        "a key of old": (PARAMS + "work: {engine: loky}\n", "the key 'work.engine' is now 'workers.engine'"),
        "a key that is a number": (PARAMS + "7: 1\n", "params.yaml: "),
        "a key that is true": (PARAMS + "true: 1\n", "params.yaml: "),
        "a key that is a list": (PARAMS + "? [a, b]\n: 1\n", "params.yaml"),
        "a key that is a table": (PARAMS + "? {a: b}\n: 1\n", "params.yaml"),
        "a key that is null": (PARAMS + "null: 1\n", "params.yaml: "),
        "no rank": (PARAMS.replace("rank: 2\n", ""), "the key 'rank' is missing"),
        "a key of 5,000 letters": (PARAMS + "a" * 5000 + ": 1\n", "params.yaml"),
        "a group in the place of a value": (PARAMS.replace("rank: 2", "rank: {a: 2}"), "params.yaml: rank"),
    }
    return [Trial(kind, name, written(text), refused(words)) for name, (text, words) in sentences.items()]


def files() -> list[Trial]:
    kind = "params.yaml as a file"
    bomb = "\n".join(
        ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    )
    sentences: dict[str, tuple[Put, str]] = {
        "in Latin-1": (written((PARAMS + "# für alle\n").encode("latin-1")), r"line \d+ is not UTF-8"),
        "in UTF-16": (written(PARAMS.encode("utf-16")), "is UTF-16"),
        "empty": (written(b""), "the key 'base' is missing"),
        "of a list": (written("- 1\n- 2\n"), "holds a list and no keys"),
        "of text": (written("resolution\n"), "holds a text and no keys"),
        "of a number": (written("64\n"), "holds a number and no keys"),
        "of null bytes": (written(bytes(500)), "is not YAML"),
        "a bracket that is open": (written(PARAMS + "pair: {styles: [pencil\n"), "is not YAML"),
        "with tabs": (written(PARAMS.replace("rank: 2", "rank:\n\t2")), "is not YAML"),
        "of 100,000 brackets": (written(PARAMS + "pair: " + "[" * 100_000), "nested too deeply"),
        "with a number of 5,000 digits": (
            written(PARAMS.replace("rank: 2", "rank: " + "9" * 5000)),
            "is not YAML: Exceeds",
        ),
        "with aliases that unfold to billions": (written(PARAMS + bomb), "more than 100,000 values"),
        "with an alias in itself": (written(PARAMS + "caption: &a {by: *a}\n"), "more than 100,000 values"),
        "with an alias that is not there": (written(PARAMS + "pair: *nothing\n"), "is not YAML"),
        "with a tag of Python": (written(PARAMS + "pair: !!python/object/apply:os.system ['x']\n"), "is not YAML"),
        "with a tag of its own": (written(PARAMS + "pair: !mine 1\n"), "is not YAML"),
        "with an impossible date": (written(PARAMS.replace("rank: 2", "rank: 2026-13-45")), "is not YAML: month"),
        "with two documents": (written(PARAMS + "---\nrank: 3\n"), "is not YAML"),
        "with merge marks": (written(PARAMS + "<<<<<<< HEAD\nseed: 1\n=======\nseed: 2\n>>>>>>> x\n"), "is not YAML"),
        "with U+0007": (written(PARAMS + "# \x07\n"), "is not YAML"),
        "a folder": (in_its_place(lambda path: path.mkdir()), "no file .a folder"),
        "a pipe": (in_its_place(os.mkfifo), "no file .a pipe"),
        "a broken link": (in_its_place(lambda path: path.symlink_to("gone")), "broken link"),
        "not there": (in_its_place(lambda path: None), "params.yaml is missing"),
        "/dev/zero": (in_its_place(lambda path: path.symlink_to("/dev/zero")), "a device"),
    }
    trials = [Trial(kind, name, put, refused(words)) for name, (put, words) in sentences.items()]
    good = {
        "with a mark": b"\xef\xbb\xbf" + PARAMS.encode(),
        "with Windows' line ends": PARAMS.replace("\n", "\r\n").encode(),
        "with an alias": PARAMS.replace("val: 0.3, test: 0.3", "val: &share 0.3, test: *share").encode(),
        "in JSON": b'{"base": "data/base", "controlnet": "c", "rank": 2, "resolution": 64, "workers": {"count": 1}, '
        b'"ingest": {"val": 0.3, "test": 0.3}, "train": {"steps": 1, "batch_size": 1, "learning_rate": 1e-4}}',
        "with 1e-4 for a number": PARAMS.replace("1.0e-4", "1e-4").encode(),
    }
    return trials + [Trial(kind, name, written(text), RIGHT) for name, text in good.items()]


def in_its_place(make: Callable[[Path], object]) -> Put:
    def put(folder: Path) -> None:
        (folder / "params.yaml").unlink()
        make(folder / "params.yaml")

    return put


def variants() -> list[Trial]:
    kind = "variants"
    shapes = {
        "a list": ("[small]", "variants is a list"),
        "a text": ("small", "variants is a text"),
        "a number": ("7", "variants is a number"),
        "null": ("null", "variants has no 'small'; it has none"),
        "of others": ("{large: {rank: 4}}", "variants has no 'small'; it has large"),
        "whose settings are a list": ("{small: [rank]}", "variants.small is a list"),
        "whose settings are a number": ("{small: 7}", "variants.small is a number"),
        "with a key below text": ("{small: {base.x: 1}}", "'base' is a text and has no keys"),
        "with a key below a number": ("{small: {rank.x.y: 1}}", "'rank' is a number and has no keys"),
        "with an unknown key": ("{small: {ranks: 1}}", "unknown key 'ranks'"),
        "with a key that is a number": ("{small: {7: 1}}", "variants.small"),
        "with a wrong value": ("{small: {rank: 0}}", "rank is 0"),
        "with an empty key": ("{small: {'': 1}}", "params.yaml: "),
        "with a key of dots": ("{small: {...: 1}}", "params.yaml: "),
    }
    step = (command(*INGEST.arguments, "--variant", "small"),)
    trials = [
        Trial(kind, f"variants that are {name}", changed("variants", text), refused(words), step)
        for name, (text, words) in shapes.items()
    ]
    trials.append(Trial(kind, "an empty variant", changed("variants", "{small: null}"), RIGHT, step))
    return trials


def presets() -> list[Trial]:
    kind = "presets"
    step = (command("s2i", "preset", "sd15"),)
    files = {
        "in Latin-1": (written((PARAMS + "# für alle\n").encode("latin-1")), "is not UTF-8"),
        "with a key twice": (written(PARAMS + "rank: 3\n"), "has the key 'rank' again"),
        "of a list": (written("- 1\n"), "holds a list"),
        "a folder": (in_its_place(lambda path: path.mkdir()), "no file .a folder"),
    }
    return [Trial(kind, f"on a params.yaml {name}", put, refused(words), step) for name, (put, words) in files.items()]


TRIALS = [*values(), *keys(), *files(), *variants(), *presets()]
