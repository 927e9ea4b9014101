"""A trial: a project with something bad in it, what is run there, and what has to come of it.

Commands run as they do on the command line, each in a process of its own, but forked from this one, where the packages
are loaded already: a trial takes tenths of a second.
"""

import hashlib
import os
import re
import resource
import runpy
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from helpers.houses import house
from PIL import Image

from s2i.core import quarantine
from s2i.core.errors import UserError

PROJECT = Path(__file__).parents[2]
GOOD = ("sentence", "named", "right")
BAD = ("traceback", "wrong", "silent", "damage", "lost", "hang")
OUTPUTS = ("data/ingested", "data/paired", "data/matted", "data/captioned", "data/augmented", "metrics", "drawn")
OUTPUTS += ("cache",)
LOADED = ("s2i.core.stage", "s2i.dataset.ingest.photos")  # once, and not by each process; trial files may import more
LONGEST_SENTENCE = 2000  # characters
PARAMS = """\
base: data/base
controlnet: data/base/controlnet
rank: 2
resolution: 64
workers: {count: 1}
ingest: {val: 0.3, test: 0.3}
pair: {styles: [given, xdog]}
train: {steps: 1, batch_size: 1, learning_rate: 1.0e-4}
"""

Class = Literal["sentence", "named", "right", "traceback", "wrong", "silent", "damage", "lost", "hang"]


class Found(NamedTuple):
    """What came of a trial, and in words what was seen."""

    outcome: Class
    words: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Expected:
    """What has to come of the last command: `refused`, `named` or `right`."""

    outcome: Literal["sentence", "named", "right"]
    words: str = ""  # a regular expression


def refused(words: str) -> Expected:
    """The command ends with a sentence in which a regular expression is found."""
    return Expected("sentence", words)


def named(words: str) -> Expected:
    """The command ends well, and a quarantine.csv or what it prints says the words."""
    return Expected("named", words)


RIGHT = Expected("right")  # the command ends well, and there is nothing to say


@dataclass(frozen=True)
class Command:
    """A script of the project or `s2i` with its arguments; environment: variables to set, or with None to unset."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str | None] = field(default_factory=dict)
    memory: int | None = None  # bytes that it may have beyond what the packages take
    stop_after: float | None = None  # seconds, after which it gets `stop_with`
    stop_with: signal.Signals = signal.SIGKILL


@dataclass(frozen=True)
class Call:
    """A function of the project's folder in a process of its own; a UserError is a sentence, as in a command."""

    function: Callable[[Path], object]


def command(*arguments: str, **options) -> Command:
    """`command("stages/pair.py", "data/ingested", "data/paired")`, `command("s2i", "preset", "sd15")`."""
    return Command(arguments, **options)


INGEST = command("stages/ingest.py", "data/photos", "data/ingested", "metrics/ingest.json")
Step = Command | Call | Callable[[Path], object]


@dataclass(frozen=True)
class Trial:
    """Something bad of one kind.

    prepare: puts it into the folder of a project with twelve good photos.  steps: what runs then; functions between
    the commands change files.  check: what is wrong with the outcome, (class, words), or None; for what the words
    do not show.  kept: paths that must stay as `prepare` left them though stages write there; all other files that
    are no output must in any case.
    """

    kind: str
    name: str
    prepare: Callable[[Path], object]
    expected: Expected
    steps: Sequence[Step] = (INGEST,)
    check: Callable[[Path], tuple[Class, str] | None] = lambda folder: None
    kept: tuple[str, ...] = ()
    seconds: float = 60.0


class Ended(NamedTuple):
    """How a process ended: its exit status, negative for a signal, None for one that had to be ended; its output."""

    status: int | None
    text: str


def run(trial: Trial, scratch: Path | None = None) -> Found:
    """Run a trial in a folder of its own."""
    start = time.monotonic()
    with TemporaryDirectory(dir=scratch) as name:
        folder = Path(name).resolve()
        try:
            write_project(folder)
            trial.prepare(folder)
            before = snapshot(folder, trial.kept)
            ended = Ended(0, "")
            for step in trial.steps:
                if isinstance(step, Command | Call):
                    ended = run_step(step, folder, trial.seconds)
                else:
                    step(folder)
            found = judge(trial, ended, folder, changes(before, snapshot(folder, trial.kept)))
        finally:
            _make_removable(folder)
    return found._replace(seconds=time.monotonic() - start)


def write_project(folder: Path) -> None:
    """Parameters and twelve different photos, house-00.png to house-11.png."""
    (folder / "params.yaml").write_text(PARAMS, encoding="utf-8")
    (folder / "data/photos").mkdir(parents=True)
    for number in range(12):
        Image.fromarray(house(number)).save(folder / f"data/photos/house-{number:02}.png", compress_level=1)


def judge(trial: Trial, ended: Ended, folder: Path, changed: tuple[list[str], list[str]]) -> Found:
    """Which class the outcome is of; changed: files that are gone, and files that are not as they were."""
    gone, edited = changed
    if ended.status is None:
        return Found("hang", f"ran for more than {trial.seconds:g} s")
    if "Traceback (most recent call last)" in ended.text or ended.status < 0:
        last = ended.text.strip().splitlines()[-1:]
        return Found("traceback", last[0][:300] if last else f"ended by signal {-ended.status}")
    if gone or edited:
        return Found("lost", f"gone: {gone}") if gone else Found("damage", f"changed: {edited}")
    if wrong := trial.check(folder):
        return Found(*wrong)
    return _judge_words(trial.expected, ended, folder)


def _judge_words(expected: Expected, ended: Ended, folder: Path) -> Found:
    said = _last_lines(ended.text)
    if len(said) > LONGEST_SENTENCE:
        return Found("wrong", f"{len(said):,} characters: {said[:200]}")
    if expected.outcome == "sentence":
        if ended.status == 0:
            return Found("silent", f"exit status 0, said: {said[-300:]}")
        is_right = re.search(expected.words, said)
        return Found("sentence" if is_right else "wrong", said[-300:])
    if ended.status != 0:
        return Found("wrong", f"exit status {ended.status}, said: {said[-300:]}")
    if expected.outcome == "right":
        return Found("right")
    rows = "".join(
        f"{row['file']}: {row['reason']}\n"
        for file in sorted(folder.glob("data/*/quarantine.csv"))
        for row in quarantine.read(file.parent)
    )
    match = re.search(expected.words, rows) or re.search(expected.words, said)
    return Found("named", match[0]) if match else Found("silent", f"quarantine.csv: {rows[-300:]}; said: {said[-300:]}")


def _last_lines(text: str) -> str:
    """What was printed without progress bars."""
    lines = re.split("[\r\n]+", text)
    return "\n".join(line for line in lines if line.strip() and not re.search(r"\d+photo|\dphoto/s|\d%\|", line))


def run_step(step: Command | Call, folder: Path, seconds: float) -> Ended:
    """Run a command or a call in a forked process, and end it after so many seconds."""
    for module in LOADED:
        import_module(module)
    output = folder.parent / f"{folder.name}.output"
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _be_child(step, folder, output)
    try:
        limit = step.stop_after if isinstance(step, Command) and step.stop_after is not None else seconds
        status = _wait(child, limit)
        if status is None and isinstance(step, Command) and step.stop_after is not None:
            os.kill(child, step.stop_with)
            status = _wait(child, seconds)
        text = output.read_text(encoding="utf-8", errors="backslashreplace") if output.exists() else ""
        return Ended(status, text)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what it started and left running
        output.unlink(missing_ok=True)


def _wait(child: int, seconds: float) -> int | None:
    """The exit status; None where the process still runs after so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def _be_child(step: Command | Call, folder: Path, output: Path) -> None:
    """What the forked process does; it never returns."""
    status = 70
    try:
        os.setsid()
        file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, 1)
        os.dup2(file, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1, errors="backslashreplace")
        os.chdir(folder)
        os.environ |= {"S2I_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
        status = _status(step, folder)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _status(step: Command | Call, folder: Path) -> int:
    """The exit status of the step, its words printed as the interpreter prints them."""
    try:
        if isinstance(step, Call):
            step.function(folder)
        else:
            _execute(step)
        return 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except UserError as error:
        if isinstance(step, Command):
            raise
        print(error, file=sys.stderr)
        return 1


def _execute(step: Command) -> None:
    for name, value in step.environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    if step.memory is not None:
        held = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + step.memory, resource.RLIM_INFINITY))
    program, *arguments = step.arguments
    sys.argv = [program, *arguments]
    if program == "s2i":
        from s2i.cli.main import main

        main()
    else:
        runpy.run_path(str(PROJECT / program), run_name="__main__")


def snapshot(folder: Path, kept: Iterable[str]) -> dict[str, str]:
    """What identifies every file below a folder that no stage may change."""
    files = {}
    for parent, folders, names in os.walk(folder):
        for name in [*names, *(name for name in folders if os.path.islink(os.path.join(parent, name)))]:
            path = os.path.relpath(os.path.join(parent, name), folder)
            is_output = any(path == output or path.startswith(f"{output}/") for output in OUTPUTS)
            if not is_output or any(path == other or path.startswith(f"{other}/") for other in kept):
                files[path] = _identity(os.path.join(parent, name))
    return files


def _identity(path: str) -> str:
    try:
        status = os.lstat(path)
    except OSError as error:  # a path that is too long
        return str(error.errno)
    if os.path.islink(path):
        return os.readlink(path)
    if not os.path.isfile(path) or status.st_size > 2**26:
        return f"{status.st_mode} {status.st_size}"
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return str(error)


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """The files that are gone, and those that are not as they were."""
    gone = sorted(before.keys() - after.keys())
    return gone, sorted(path for path in before.keys() & after.keys() if before[path] != after[path])


def _make_removable(folder: Path) -> None:
    for parent, folders, _ in os.walk(folder):
        for name in folders:
            if not os.path.islink(os.path.join(parent, name)):
                with suppress(OSError):  # a path that is too long
                    os.chmod(os.path.join(parent, name), 0o755)
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, ignore_errors=True)
