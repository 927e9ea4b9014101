"""What keeps a stage short that finds all its work in the cache."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from types import ModuleType


class NoPandas(MetaPathFinder):
    """Answers `import pandas` with the error of a machine that does not have it."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


@contextmanager
def pandas_hidden() -> Iterator[None]:
    """Within the block pandas cannot be imported; where it was imported before, nothing changes.

    pyarrow imports pandas when it first turns Python objects into a table, only to see whether they come from it.
    That is 0.2 s of the 0.7 s that `pair` computes for when it finds every sketch in the cache.  Where a table is to
    become one of pandas later, pyarrow looks again and finds it.
    """
    if "pandas" in sys.modules:
        yield
        return
    finder = NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
