"""Which files of s2i a module or a script reaches, read off its source without running it."""

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]


def reached(entry: Path) -> set[Path]:
    """The files of s2i that a Python file reaches, directly or through others, imports inside functions included.

    A module's dotted name in a string counts too: tables of what is imported on demand are made of such names.  So does
    the name of a data file that lies beside the module.  The packages above a module, which hold a docstring alone, do
    not count.
    """
    files: set[Path] = set()
    queue = [Path(entry).resolve()]
    while queue:
        for file in _imported(queue.pop()):
            if file not in files:
                files.add(file)
                queue.append(file)
    return files


def file_of(module: str) -> Path | None:
    """The file of a module of s2i by its dotted name, or None when there is no such module."""
    path = ROOT.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@functools.cache
def _imported(file: Path) -> frozenset[Path]:
    if file.suffix != ".py":
        return frozenset()
    names = {name for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) for name in _names(node)}
    modules = {path for name in names if name.startswith(f"{ROOT.name}.") and (path := file_of(name))}
    data = {file.parent / name for name in names if _is_data_name(name) and file.is_relative_to(ROOT)}
    return frozenset(path.resolve() for path in modules | data if path.is_file())


def _is_data_name(name: str) -> bool:
    """Whether a string may be the name of a data file: one with an ending that is not Python's."""
    return 1 < len(name) < 100 and "/" not in name and Path(name).suffix not in ("", ".py")


def _names(node: ast.AST) -> Iterator[str]:
    """Dotted names that may be modules, of `from a import b` a.b where that is one, else a; and every short string."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name if file_of(name) else node.module for name in names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isprintable():
        yield node.value
