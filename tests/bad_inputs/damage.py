"""Damage: caches, outputs and records that were cut, edited, replaced or removed; accidents of disks and processes."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from helpers.trials import INGEST, RIGHT, Trial, command, named, refused

PAIR = command("stages/pair.py", "data/ingested", "data/paired")
MATTE = command("stages/matte.py", "data/paired", "data/matted")
AUGMENT = command("stages/augment.py", "data/captioned", "data/augmented")
NOT_OURS = r"would be replaced, and holds .*, which s2i did not write"
DAMAGED = "in the cache is damaged, and is made anew"
Damage = Callable[[Path], object]


def nothing(folder: Path) -> None:
    """The project as it is."""


def cut(file: Path) -> None:
    """The first half of a file."""
    rewrite(file, file.read_bytes()[: file.stat().st_size // 2])


def empty(file: Path) -> None:
    """What a power failure leaves."""
    rewrite(file, b"")


def flip(file: Path) -> None:
    """One bit that has changed on the disk."""
    content = bytearray(file.read_bytes())
    content[len(content) * 3 // 4] ^= 4
    rewrite(file, bytes(content))


def rewrite(file: Path, content: bytes) -> None:
    """Other bytes in the very file, whatever shares it, as root may."""
    os.chmod(file, 0o644)
    file.write_bytes(content)


def pointer(file: Path) -> None:
    """What Git LFS leaves where it was not installed."""
    rewrite(file, b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n")


def gone(file: Path) -> None:
    """Nothing."""
    file.unlink()


def into_folder(file: Path) -> None:
    """A folder where a file was."""
    file.unlink(missing_ok=True)
    file.mkdir(parents=True)


def to_first(pattern: str, damage: Damage) -> Damage:
    """Damage to the first file that fits."""
    return lambda folder: damage(sorted(folder.glob(pattern))[0])


def without_outputs(folder: Path) -> None:
    """The outputs gone, and the cache still there."""
    for output in ("data/ingested", "data/paired", "data/matted"):
        shutil.rmtree(folder / output, ignore_errors=True)


def same_images(folder: Path) -> tuple[str, str] | None:
    """Wrong where the photos are not those of an undisturbed run, which stand in `expected`."""
    for file in sorted((folder / "expected").rglob("*.png")):
        other = folder / "data" / file.relative_to(folder / "expected")
        if other.read_bytes() != file.read_bytes():
            return "wrong", f"{other.name} differs"
    return None


def keep_as_expected(folder: Path) -> None:
    """What was made so far, set aside to compare with."""
    for output in ("ingested", "paired", "matted"):
        if (folder / "data" / output).exists():
            shutil.copytree(folder / "data" / output, folder / "expected" / output)


def _cache_trials() -> list[Trial]:
    trials = []
    kinds = {"photo": (INGEST,), "motif": (INGEST,), "sketch": (INGEST, PAIR), "matte": (INGEST, PAIR, MATTE)}
    for kind, steps in kinds.items():
        for damage in (cut, empty, flip):
            suffix = "json" if kind == "motif" else "png"
            accident = to_first(f"cache/work/{kind}/*/*.{suffix}", damage)
            again = (*steps, keep_as_expected, without_outputs, accident, *steps)
            name = f"a cached {kind}: {damage.__doc__}"
            trials.append(Trial("cache", name, nothing, RIGHT, again, same_images, kept=()))
    for damage in (cut, empty, flip, gone, into_folder):
        accident = to_first("cache/work/photo/*/*.sha256", damage)
        again = (INGEST, keep_as_expected, without_outputs, accident, INGEST)
        trials.append(
            Trial("cache", f"the hash of a cached photo: {damage.__doc__}", nothing, RIGHT, again, same_images)
        )
    edit = to_first("data/ingested/photos/*.png", flip)
    again = (INGEST, keep_as_expected, edit, INGEST)
    trials.append(
        Trial("cache", "an output edited in place as root, then made anew", nothing, RIGHT, again, same_images)
    )
    say = (INGEST, without_outputs, to_first("cache/work/photo/*/*.png", cut), INGEST)
    trials.append(Trial("cache", "a damaged entry is said", nothing, named(DAMAGED), say))
    return trials


def _cache_folder_trials() -> list[Trial]:
    def with_cache(value: str | None, **others: str | None) -> tuple:
        return (command(*INGEST.arguments, environment={"S2I_CACHE": value} | others),)

    def file(folder: Path) -> None:
        (folder / "file").write_text("mine")

    without = "cannot be written to .*: work goes on without it"
    new_home = with_cache(None, XDG_CACHE_HOME=None, HOME="cache/me")
    show = command("s2i", "cache", environment={"S2I_CACHE": "file"})
    return [
        Trial("cache", "S2I_CACHE names a file", file, named(without), with_cache("file")),
        Trial("cache", "S2I_CACHE lies below a file", file, named(without), with_cache("file/cache")),
        Trial("cache", "S2I_CACHE lies in /proc", nothing, named(without), with_cache("/proc/cache")),
        Trial("cache", "S2I_CACHE is too long", nothing, named(without), with_cache("x" * 300)),
        Trial("cache", "S2I_CACHE is empty", nothing, RIGHT, with_cache("", XDG_CACHE_HOME="cache"), _nothing_in_work),
        Trial("cache", "the home folder does not exist", nothing, RIGHT, new_home),
        Trial("cache", "s2i cache on a file", file, RIGHT, (show,)),
    ]


def _nothing_in_work(folder: Path) -> tuple[str, str] | None:
    return ("damage", "work/ stands in the project") if (folder / "work").exists() else None


def _output_trials() -> list[Trial]:
    def is_in_the_way(name: str) -> Damage:
        def put(folder: Path) -> None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("mine")

        return put

    def link(target: str) -> Damage:
        def put(folder: Path) -> None:
            (folder / "elsewhere").mkdir()
            (folder / "data/ingested").symlink_to(folder / target)

        return put

    def written_in_the_link(folder: Path) -> tuple[str, str] | None:
        whole = (folder / "elsewhere/records.parquet").exists() and (folder / "data/ingested").is_symlink()
        return None if whole else ("wrong", "nothing stands where the link leads")

    def drafts(folder: Path) -> None:
        (folder / "data/.ingested.0123456789abcdef.draft").mkdir()
        (folder / "data/.ingested.0123456789abcdef.draft/mine.txt").write_text("mine")

    trials = [
        Trial("outputs", "a file is in the way", is_in_the_way("data/ingested"), refused("is a file, and a folder is")),
        Trial("outputs", "a file of the user's in it", is_in_the_way("data/ingested/mine.txt"), refused(NOT_OURS)),
        Trial("outputs", "a repository is in the way", is_in_the_way("data/ingested/.git/HEAD"), refused(NOT_OURS)),
        Trial("outputs", "metrics is a file", is_in_the_way("metrics"), refused("metrics.*move it away")),
        Trial(
            "outputs", "the metrics file is a folder", is_in_the_way("metrics/ingest.json/mine"), refused("metrics/ing")
        ),
        Trial("outputs", "a link to another folder", link("elsewhere"), named("is a link"), check=written_in_the_link),
        Trial("outputs", "a dead link", link("nowhere"), refused("is a link to .*, which is no folder")),
        Trial("outputs", "a link to a file", link("params.yaml"), refused("is a link to .*, which is no folder")),
        Trial("outputs", "a link to the photos", link("data/photos"), refused(NOT_OURS)),
        Trial("outputs", "a foreign draft", drafts, RIGHT, kept=("data/.ingested.0123456789abcdef.draft",)),
    ]
    for other in ("data/photos", ".", "data", "/proc", "params.yaml"):
        ingest = command("stages/ingest.py", "data/photos", other, "metrics/ingest.json")
        words = f"{NOT_OURS}|a disk of its own|is a file|holds the folder you are in"
        trials.append(
            Trial("outputs", f"the output is {other}", nothing, refused(words), (ingest,), kept=("data/photos",))
        )
    own = (INGEST, lambda folder: (folder / "data/ingested/mine.txt").write_text("mine"), INGEST)
    trials.append(Trial("outputs", "a file among what a stage wrote", nothing, refused("holds mine.txt"), own))
    return trials


def _record_trials() -> list[Trial]:
    trials = []
    for damage in (cut, empty, flip, pointer, into_folder):
        steps = (INGEST, to_first("data/ingested/records.parquet", damage), PAIR)
        words = r"records\.parquet cannot be read .*: delete|does not fit|data/ingested"
        trials.append(Trial("records", f"records.parquet: {damage.__doc__}", nothing, refused(words), steps))
    missing = (INGEST, to_first("data/ingested/records.parquet", gone), PAIR)
    trials.append(Trial("records", "records.parquet is gone", nothing, refused("is missing: run the stage"), missing))
    for damage in (gone, cut, empty, pointer, into_folder):
        steps = (INGEST, to_first("data/ingested/photos/*.png", damage), lambda f: shutil.rmtree(f / "cache"), PAIR)
        trials.append(
            Trial("records", f"a photo of data/ingested: {damage.__doc__}", nothing, refused("photos/"), steps)
        )
    return trials


def _run_card_trials() -> list[Trial]:
    def is_noted(folder: Path) -> tuple[str, str] | None:
        try:
            stages = json.loads((folder / "metrics/run.json").read_text(encoding="utf-8"))["stages"]
        except (OSError, ValueError, KeyError):
            return "wrong", "metrics/run.json is not whole"
        return None if "ingest" in stages else ("wrong", "the stage is not in metrics/run.json")

    def write(name: str, text: str) -> Damage:
        def put(folder: Path) -> None:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)

        return put

    stage = (command(*INGEST.arguments, environment={"DVC_STAGE": "ingest"}),)
    marks = "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> theirs\n"
    broken = {"merge marks": marks, "a list": "[]", "nothing": "", "half": '{"stages": {"pair"', "deep": "[" * 100_000}
    broken |= {"stages is a number": '{"stages": 1}', "NUL characters": "\0" * 100, "no UTF-8": "\udcff"}
    trials = [
        Trial("run.json", f"run.json holds {name}", write_bytes("metrics/run.json", text), RIGHT, stage, is_noted)
        for name, text in broken.items()
    ]
    trials += [
        Trial("run.json", f"dvc.lock holds {name}", write_bytes("dvc.lock", text), RIGHT, stage, is_noted)
        for name, text in broken.items()
    ]
    nowhere = (command(*INGEST.arguments, environment={"DVC_STAGE": "ingest", "PATH": "/nowhere"}),)
    trials.append(Trial("run.json", "no git on PATH", nothing, RIGHT, nowhere, is_noted))
    return trials


def write_bytes(name: str, text: str) -> Damage:
    """A file of that content, whatever its characters."""

    def put(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(text.encode(errors="surrogateescape"))

    return put


def _small_disk(folder: Path, place: str, size: str) -> None:
    (folder / place).mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder / place], check=True)


def _unmount(folder: Path, place: str) -> tuple[str, str] | None:
    left = [path.name for path in (folder / place).rglob("*") if ".draft" in path.name]
    subprocess.run(["umount", "--lazy", folder / place], check=True)
    return ("damage", f"left: {left}") if left else None


def _disk_trials() -> list[Trial]:
    if os.geteuid() != 0:  # a disk of a few kB is mounted
        return []
    trials = []
    for size in ("4k", "12k", "24k", "40k"):
        ingest = command("stages/ingest.py", "data/photos", "small/ingested", "metrics/ingest.json")
        full = partial(_small_disk, place="small", size=size)
        words = "small.*No space left on device.*free some space"
        check = partial(_unmount, place="small")
        trials.append(Trial("disk", f"the output on a disk of {size}", full, refused(words), (ingest,), check))
        full = partial(_small_disk, place="cache", size=size)
        words = r"No space left on device\): work goes on without it"
        check = partial(_unmount, place="cache")
        trials.append(Trial("disk", f"the cache on a disk of {size}", full, named(words), (INGEST,), check))
    mount = partial(_small_disk, place="data/ingested", size="10M")
    check = partial(_unmount, place="data/ingested")
    trials.append(Trial("disk", "the output is a disk of its own", mount, refused("is a disk of its own"), check=check))
    return trials


def _export_trials() -> list[Trial]:
    trials = []
    for out in ("models", "data/photos", ".git", "data", "params.yaml", ".", ".."):
        for name, words in (("export", ["export"]), ("import", ["import", "x.pth"])):

            def put(folder: Path) -> None:
                for file in ("models/trained/controlnet/config.json", ".git/HEAD", "x.pth"):
                    (folder / file).parent.mkdir(parents=True, exist_ok=True)
                    (folder / file).write_text("{}")

            run = (command("s2i", *words, "--out", out),)
            sentence = f"{NOT_OURS}|is a file|holds the folder you are in"
            trials.append(Trial("commands", f"s2i {name} --out {out}", put, refused(sentence), run))
    for out in ("params.yaml", "params.yaml/x", "/proc/x", "x" * 300):
        for words in (["generate", "data/photos/house-00.png"], ["captions", "x.csv"], ["report", "--against", "HEAD"]):
            run = (command("s2i", *words, "--out", out),)
            sentence = "cannot be written to .*: name another"
            trials.append(Trial("commands", f"s2i {words[0]} --out {out[:20]}", nothing, refused(sentence), run))
    return trials


TRIALS = [
    *_cache_trials(),
    *_cache_folder_trials(),
    *_output_trials(),
    *_record_trials(),
    *_run_card_trials(),
    *_disk_trials(),
    *_export_trials(),
]
