"""Results kept by content outside the DVC outputs, so that one new photo costs one photo."""

import ast
import functools
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from s2i.core import imports, system
from s2i.core.files import open_binary, whole_file, write_json

Value = TypeVar("Value")
CORE = Path(__file__).resolve().parent
MODEL_FILES = (".safetensors", ".json", ".txt")


def user_folder() -> Path:
    """``s2i`` in the user's cache folder: what is kept there holds for every project."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s2i"


def root() -> Path:
    """The cache folder: ``S2I_CACHE``, else the `user_folder`."""
    return Path(os.environ["S2I_CACHE"]) if "S2I_CACHE" in os.environ else user_folder()


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


def path(suffix: str, *key: Any) -> Path:
    """Where the cache keeps the file of a key, whether it is there or not.

    The key must name everything the file depends on: content hashes of its inputs, parameters, and the `code`
    that makes it.
    """
    digest = fingerprint(*key)
    return Path(root(), "work", digest[:2], digest + suffix)


def made(suffix: str, make: Callable[[Path], object], *key: Any) -> Path:
    """The cache's own file of a key, which ``make(path)`` writes unless the same ``key`` made it before."""
    cached = path(suffix, *key)
    if not cached.exists():
        with whole_file(cached) as draft:
            make(draft)
            system.write_protect(draft)
    return cached


def produce(target: Path, make: Callable[[Path], object], *key: Any) -> None:
    """Put the file ``make(path)`` writes at ``target``, from the cache when the same ``key`` made it before.

    Where both are on one disk ``target`` is a hard link to the cache's file, which nobody may write to.
    """
    cached = made(target.suffix, make, *key)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    system.share(cached, target)


def remember(make: Callable[[], Value], *key: Any) -> Value:
    """What ``make()`` gives, JSON-able and not None, from the cache when the same ``key`` gave it before."""
    cached: Value | None = recall(*key)
    return store(make(), *key) if cached is None else cached


def recall(*key: Any) -> Any:
    """The value stored under a key, or None."""
    try:
        return json.loads(path(".json", *key).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def store(value: Value, *key: Any) -> Value:
    """Store a JSON-able value under a key, and give it back."""
    write_json(path(".json", *key), value)
    return value
