"""What a file of the package reaches, and the hash of code that the cache makes of it."""

import pytest

from s2i.core import cache, imports

FILES = {
    "__init__.py": "",
    "core/__init__.py": "",
    "core/files.py": "SIZE = 1\n",
    "edges.py": '"""Edges."""\nfrom s2i.core import files\ndef edges():\n    from s2i import blur\n    return blur\n',
    "blur.py": 'from s2i.tables import *\n\nTABLE = "table.yaml"\n',
    "tables.py": 'METHODS = {"late": "s2i.late"}\n',
    "late.py": "import s2i.edges\n",
    "unused.py": "",
    "table.yaml": "a: 1\n",
    "other.yaml": "b: 1\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of that name: inner imports, a circle, a table of modules, and files of data."""
    root = tmp_path / "s2i"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    monkeypatch.setattr(imports, "ROOT", root.resolve())
    monkeypatch.setattr(cache, "CORE", (root / "core").resolve())
    forget()
    yield root
    forget()


def forget():
    for function in (imports._imported, cache.code, cache._behaviour):
        function.cache_clear()


def test_imports_in_functions_names_in_tables_and_data_files_are_reached(package):
    names = {path.relative_to(package.resolve()).as_posix() for path in imports.reached(package / "edges.py")}
    assert names == {"core/files.py", "blur.py", "tables.py", "late.py", "table.yaml", "edges.py"}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        *(("edges.py", True), ("blur.py", True), ("late.py", True), ("table.yaml", True)),
        *(("core/files.py", False), ("unused.py", False), ("other.yaml", False)),
    ],
)
def test_code_is_other_code_when_something_that_it_reaches_changes(package, name, changes):
    before = cache.code("s2i.edges")
    with open(package / name, "a", encoding="utf-8") as file:
        file.write("more: 2\n" if name.endswith(".yaml") else "MORE = 2\n")
    forget()
    assert (cache.code("s2i.edges") != before) == changes


def test_comments_and_docstrings_do_not_count(package):
    before = cache.code("s2i.edges")
    file = package / "edges.py"
    file.write_text(file.read_text().replace('"""Edges."""', '"""Edges of an image."""  # found by Canny'))
    forget()
    assert cache.code("s2i.edges") == before


def test_a_module_that_is_not_there_is_an_error(package):
    with pytest.raises(ModuleNotFoundError, match=r"s2i\.missing"):
        cache.code("s2i.missing")
