"""Files and folders that are whole or not there: everything is written beside its place and renamed in."""

import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_folder(target: Path):
    """Yield an empty folder beside ``target`` that replaces it when the block ends without an exception."""
    target = Path(target)
    draft = target.with_name(f".{target.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    yield draft
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)


@contextmanager
def whole_file(target: Path):
    """Yield a path beside ``target``, with its suffix, that replaces it when the block ends without an exception."""
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    try:
        yield draft
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    """Write ``content`` as indented JSON, whole or not at all."""
    with whole_file(Path(path)) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
