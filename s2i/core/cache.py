"""Work already done, kept by content outside the DVC outputs, so that one new photo costs one photo."""

import ast
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from functools import cache as once
from pathlib import Path
from typing import TypeVar

from s2i.core import imports
from s2i.core.files import open_binary, whole_file, write_json

Value = TypeVar("Value")
CORE = Path(__file__).resolve().parent
MODEL_FILES = (".safetensors", ".json", ".txt")


def root() -> Path:
    """The cache folder: ``S2I_CACHE``, else ``s2i`` in the user's cache folder."""
    if "S2I_CACHE" in os.environ:
        return Path(os.environ["S2I_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s2i"


def fingerprint(*parts) -> str:
    """A SHA-256 of JSON-able parts; the same parts give the same 64 hexadecimal digits on every machine."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hexadecimal digits; the file may be a member of a tar shard."""
    with open_binary(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_hash(folder: Path, suffixes: tuple[str, ...] = ("",)) -> str:
    """SHA-256 over the names and bytes of the files below a folder, those whose names end so."""
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file() and path.name.endswith(suffixes))
    return fingerprint([(path.relative_to(folder).as_posix(), file_hash(path)) for path in files])


@once
def code(module: str) -> str:
    """What identifies the behaviour of a module, 64 hexadecimal digits: `code(__name__)`.

    That is the code, less comments and docstrings, of the module and of all that it imports from s2i, directly or
    through others, and the data files beside these.  s2i.core is left out: it decides where results go, not what
    they are.
    """
    file = imports.file_of(module)
    files = sorted(path for path in {file.resolve(), *imports.reached(file)} if CORE not in path.parents)
    return fingerprint([(path.relative_to(imports.ROOT).as_posix(), _behaviour(path)) for path in files])


@once
def _behaviour(file: Path) -> str:
    if file.suffix != ".py":
        return file_hash(file)
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0].value.value = ""
    return fingerprint(ast.unparse(tree))


def place(suffix: str, *key) -> Path:
    """Where the cache keeps the file of a key, whether it is there or not.

    The key must name everything the file depends on: content hashes of its inputs, parameters, and the `code`
    that makes it.
    """
    digest = fingerprint(*key)
    return Path(root(), "work", digest[:2], digest + suffix)


def produce(target: Path, make: Callable[[Path], None], *key) -> None:
    """Put the file ``make(path)`` writes at ``target``, from the cache when the same ``key`` made it before.

    Where both are on one disk ``target`` is a hard link to the cache's file, which nobody may write to.
    """
    kept = place(target.suffix, *key)
    if not kept.exists():
        with whole_file(kept) as draft:
            make(draft)
            draft.chmod(0o444)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(kept, target)
    except OSError:  # another disk, or one without links
        shutil.copyfile(kept, target)


def remember(make: Callable[[], Value], *key) -> Value:
    """What ``make()`` gives, JSON-able and not None, from the cache when the same ``key`` gave it before."""
    kept = recall(*key)
    return keep(make(), *key) if kept is None else kept


def recall(*key):
    """What was kept under a key, or None."""
    try:
        return json.loads(place(".json", *key).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def keep(value: Value, *key) -> Value:
    """Keep a JSON-able value under a key, and give it back."""
    write_json(place(".json", *key), value)
    return value


def model_hash(name: str | Path) -> str:
    """What identifies a model: the weights and settings in its folder, or its hub id."""
    return folder_hash(name, MODEL_FILES) if Path(name).is_dir() else str(name)
