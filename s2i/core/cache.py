"""Results kept by content outside the DVC outputs, so that one new photo costs one photo.

Each is kept with a hash, which is checked whenever it is read: see `checked`.  Where the cache cannot be written to,
work goes on without it.
"""

import ast
import errno
import functools
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from s2i.core import checked, files, imports, system
from s2i.core.errors import UserError, first_line
from s2i.core.files import open_binary, whole_file
from s2i.core.messages import say

Value = TypeVar("Value")
CORE = Path(__file__).resolve().parent
MODEL_FILES = (".safetensors", ".json", ".txt")
WORK = "work"  # in the cache folder: results by kind
UNUSABLE = (  # what a disk says that is full, or a folder that nothing can be written to
    *(errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT),
    *(errno.EISDIR, errno.ENAMETOOLONG),
)


def user_folder() -> Path:
    """``s2i`` in the user's cache folder: what is kept there holds for every project."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s2i"
    except RuntimeError:
        raise UserError("you have no home folder here: set S2I_CACHE and XDG_CACHE_HOME to folders of yours.") from None


def root() -> Path:
    """The cache folder: ``S2I_CACHE``, else the `user_folder`; empty is not set."""
    named = os.environ.get("S2I_CACHE")
    return Path(named) if named else user_folder()


def fingerprint(*parts: Any) -> str:
    """A SHA-256 of JSON-able parts; the same parts give the same 64 hexadecimal digits on every machine."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def file_hash(path: str | Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits; the file may be a member of a tar shard."""
    with open_binary(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_hash(folder: str | Path, suffixes: tuple[str, ...] = ("",)) -> str:
    """SHA-256 over the names and bytes of those files below a folder whose names have one of these endings."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.name.endswith(suffixes))
    return fingerprint([(path.relative_to(folder).as_posix(), file_hash(path)) for path in files])


def model_hash(name: str | Path) -> str:
    """What identifies a model: the weights and settings in its folder, or its hub id."""
    return folder_hash(name, MODEL_FILES) if Path(name).is_dir() else str(name)


@functools.cache
def code(module: str) -> str:
    """What identifies the behaviour of a module, 64 hexadecimal digits: `code(__name__)`.

    That is the code, less comments and docstrings, of the module and of all that it imports from s2i, directly or
    through others, and the data files beside these.  s2i.core is left out: it decides where results go, not what
    they are.
    """
    file = imports.file_of(module)
    if file is None:
        raise ModuleNotFoundError(module)
    files = sorted(path for path in {file.resolve(), *imports.reached(file)} if CORE not in path.parents)
    return fingerprint([(path.relative_to(imports.ROOT).as_posix(), _behaviour(path)) for path in files])


@functools.cache
def _behaviour(file: Path) -> str:
    if file.suffix != ".py":
        return file_hash(file)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Expr(ast.Constant(""))
    return fingerprint(ast.unparse(tree))


def path(suffix: str, kind: str, *key: Any) -> Path:
    """Where the cache keeps the file of a key, whether it is there or not.

    kind: of result, such as "sketch"; it belongs to the key.  The key must name everything the file depends on:
    content hashes of its inputs, parameters, and the `code` that makes it.
    """
    digest = fingerprint(kind, *key)
    return Path(root(), WORK, kind.replace(" ", "-"), digest[:2], digest + suffix)


def is_whole(file: Path) -> bool:
    """Whether the file of a `path` is there as it was written."""
    return checked.hash_if_whole(file) is not None


def write(file: Path, make: Callable[[Path], object]) -> str:
    """Put what ``make(draft)`` writes at a `path`, and give back its SHA-256.

    Raises UserError where the cache cannot be written to.
    """
    try:
        return checked.write(file, make)
    except OSError as error:
        if not _is_unusable(error):
            raise
        raise UserError(
            f"the cache folder {root()} cannot be written to ({first_line(error)}): make room for it, or set S2I_CACHE "
            "to another folder."
        ) from None


def made(suffix: str, make: Callable[[Path], object], kind: str, *key: Any) -> Path | None:
    """The cache's own file of a key, which ``make(draft)`` writes unless the same ``key`` made it before.

    None where the cache cannot be written to: then nothing is made.
    """
    cached = path(suffix, kind, *key)
    return cached if _hash_of_file(cached, make) else None


def produce(target: Path, make: Callable[[Path], object], kind: str, *key: Any) -> str:
    """Put the file that ``make(draft)`` writes at ``target``, and give back its SHA-256.

    It comes from the cache when the same ``key`` made it before.  Where both are on one disk ``target`` may share its
    bytes with the cache's file, which nobody may write to.
    """
    cached = path(target.suffix, kind, *key)
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = _hash_of_file(cached, make)
    if digest is None:
        with whole_file(target) as draft:
            make(draft)
        return file_hash(target)
    target.unlink(missing_ok=True)
    system.share(cached, target)
    return digest


def _hash_of_file(cached: Path, make: Callable[[Path], object]) -> str | None:
    """The SHA-256 of the cache's file, made where it is not whole; None where the cache cannot be written to."""
    if digest := checked.hash_if_whole(cached):
        return digest
    try:
        return checked.write(cached, make)
    except OSError as error:
        if not _is_unusable(error):
            raise
        _say_unusable(error.strerror or first_line(error))
        return None


def folder(kind: str, name: str, make: Callable[[Path], object]) -> Path:
    """The folder of that kind and name, made by ``make(draft)`` where it is not there, or not whole."""
    return checked.folder(root() / kind / name, make)


def remember(make: Callable[[], Value], kind: str, *key: Any) -> Value:
    """What ``make()`` gives, JSON-able and not None, from the cache when the same ``key`` gave it before."""
    cached: Value | None = recall(kind, *key)
    return store(make(), kind, *key) if cached is None else cached


def recall(kind: str, *key: Any) -> Any:
    """The value stored under a key, or None."""
    file = path(".json", kind, *key)
    try:
        content = json.loads(file.read_bytes())
        if content["sha256"] != _hash_of(content["value"]):
            raise ValueError
    except OSError:
        return None
    except (ValueError, TypeError, KeyError, RecursionError):
        checked.say_damaged(file)
        return None
    checked.note_use(file)
    return content["value"]


def store(value: Value, kind: str, *key: Any) -> Value:
    """Store a JSON-able value under a key, and give it back."""
    file = path(".json", kind, *key)
    content = json.dumps({"sha256": _hash_of(value), "value": value})
    try:
        _replace(file, content)
    except OSError as error:
        _say_unusable(error.strerror or first_line(error))
    return value


def _replace(file: Path, content: str) -> None:
    """Put a text in the place of a file, whole; no draft is left where that fails."""
    draft = files.draft_of(file, "draft.json")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(content, encoding="utf-8")
        os.replace(draft, file)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _hash_of(value: Any) -> str:
    """SHA-256 of a value's JSON, which is the same before it was stored and after."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _is_unusable(error: OSError) -> bool:
    """Whether an error says that the cache cannot be written to, and not that something else cannot be read."""
    inside = error.filename is None or Path(os.fsdecode(error.filename)).is_relative_to(root())
    return error.errno in UNUSABLE and inside


@functools.cache
def _say_unusable(reason: str) -> None:
    """Said once by a process, whatever it is that it cannot keep."""
    say(f"the cache folder {root()} cannot be written to ({reason}): work goes on without it.")
