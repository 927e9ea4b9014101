"""Which files of s2i a module or a script reaches, read off its source without running it."""

import ast
from collections.abc import Iterator
from functools import cache as once
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = (".yaml", ".md", ".txt")  # read by the modules beside them, so these count as reached with any of them


def reached(entry: Path) -> set[Path]:
    """The files of s2i that a Python file imports, directly or through others, imports inside functions included.

    A module's dotted name in a string counts too: tables of what is imported on demand are made of such names.
    Data files beside a module that is reached count; the packages above it do not, which hold a docstring alone.
    """
    found, left = set(), [Path(entry).resolve()]
    while left:
        for file in _imported(left.pop()):
            if file not in found:
                found.add(file)
                left.append(file)
    return found | {data for folder in {file.parent for file in found} for data in _data_in(folder)}


def file_of(module: str) -> Path | None:
    """The file of a module of s2i by its dotted name, or None when there is no such module."""
    path = ROOT.joinpath(*module.split(".")[1:])
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


@once
def _imported(file: Path) -> frozenset[Path]:
    names = {name for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) for name in _names(node)}
    modules = {name for name in names if name.startswith(f"{ROOT.name}.")}
    return frozenset(path.resolve() for path in map(file_of, modules) if path)


def _names(node: ast.AST) -> Iterator[str]:
    """Dotted names that may be modules: of `from a import b` a.b where that is one, else a."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name if file_of(name) else node.module for name in names)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isascii():
        yield node.value


@once
def _data_in(folder: Path) -> tuple[Path, ...]:
    return tuple(file for file in sorted(folder.iterdir()) if file.suffix in DATA)
