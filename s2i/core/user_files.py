"""Files that people bring: read once, within bounds, and every reason why one cannot be read said in words.

Images, tables, JSON and parameters all come through `read_bytes`.  What is the file's own fault is an `Unreadable`;
what is the machine's, such as a full disk or too little memory, is a `UserError` that says so.
"""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from s2i.core.errors import Unreadable, UserError

MAX_TEXT = 2**26  # bytes of a text file
MAX_VALUES = 100_000  # of a YAML file, those that aliases repeat among them
MAX_DIGITS = 300  # of a whole number in JSON; a double has at most 309
KINDS = {
    stat.S_ISDIR: "a folder",
    stat.S_ISFIFO: "a pipe",
    stat.S_ISSOCK: "a socket",
    stat.S_ISCHR: "a device",
    stat.S_ISBLK: "a device",
}
BYTE_ORDER_MARKS = {
    b"\xff\xfe\0\0": "UTF-32",
    b"\0\0\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


class Twice:
    """What stands for the value of a key that a JSON object has twice: it is of no type that anybody asks for."""


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """The bytes of a file.

    Raises Unreadable for what is missing, a broken link, a folder, a pipe or a device, larger than max_bytes, or not
    to be opened by this user; UserError where the disk or the memory fails.
    """
    try:
        if kind := _kind(os.stat(path).st_mode):
            raise Unreadable("no file", f"({kind})")
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(max_bytes + 1) if size <= max_bytes else b""
    except OSError as error:
        raise explained(path, error) from None
    except MemoryError:
        raise too_little_memory(path) from None
    if max(size, len(content)) > max_bytes:
        raise Unreadable(
            "file too large", f"({max(size, len(content)) / 1e6:,.0f} MB; {max_bytes / 1e6:,.0f} are read)"
        )
    return content


def open_binary(path: Path) -> BinaryIO:
    """A file that may be too large to be read whole, opened; raises UserError where `read_bytes` would not read it."""
    try:
        if kind := _kind(os.stat(path).st_mode):
            raise Unreadable("no file", f"({kind})")
        return open(path, "rb")
    except OSError as error:
        problem = explained(path, error)
    except Unreadable as error:
        problem = error
    if isinstance(problem, UserError):
        raise problem
    raise UserError(f"{path} cannot be read: {problem.sentence}; put a file there.")


def explained(path: Path, error: OSError) -> Unreadable | UserError:
    """What an error of the operating system means: something about the file, or something about the machine."""
    reason = error.strerror or type(error).__name__
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Unreadable("broken link" if os.path.islink(path) else "missing")
    if error.errno == errno.ELOOP:
        return Unreadable("broken link", "(it leads to itself)")
    if error.errno == errno.ENAMETOOLONG:
        return Unreadable("name too long", "(shorten it, or those of the folders above)")
    if error.errno in (errno.EACCES, errno.EPERM):
        return Unreadable("not to be opened", f"({reason})")
    return UserError(f"{path} cannot be read: {reason}; see to the disk and run again.")


def too_little_memory(path: Path) -> UserError:
    """The sentence for a file that the machine has too little memory for."""
    return UserError(f"there is too little memory to read {path}: close other programs, or lower workers.count.")


def read_text(path: Path, max_bytes: int = MAX_TEXT) -> str:
    """A text file without its byte order mark.

    Raises UserError when it cannot be read, or with the first line that is not UTF-8.
    """
    try:
        content = read_bytes(path, max_bytes)
    except Unreadable as error:
        raise UserError(f"{path} cannot be read: {error.sentence}; put a text file there.") from None
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            raise UserError(f"{path} is {encoding} and not UTF-8: save the file in UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = len(error.object[: error.start + 1].splitlines())
        raise UserError(f"{path} line {line} is not UTF-8: save the file in UTF-8.") from None


def read_json(path: Path) -> Any:
    """What a JSON file holds; the value of a key that stands twice in an object is a `Twice`.

    Numbers of more than MAX_DIGITS digits are infinite.  Raises UserError for what is no JSON, or nested too deeply.
    """
    text = read_text(path)
    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is not JSON: {error}.") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply to be read: check its brackets.") from None


def read_yaml(path: Path) -> Any:
    """What a YAML file holds, read as DVC reads it (YAML 1.2); None for an empty one.

    Raises UserError for what is no YAML, has a key twice, or holds too much.
    """
    return parse_yaml(read_text(path), path)


def parse_yaml(text: str, path: Path) -> Any:
    """What a text in YAML holds; raises as `read_yaml`, with the path in its sentences."""
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import DuplicateKeyError
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        values = YAML(typ="safe", pure=True).load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1
        key = str(error.problem).split('"')[1]
        raise UserError(f"{path} line {line} has the key '{key}' again: keep one of the two.") from None
    except RecursionError:
        raise UserError(f"{path} is nested too deeply to be read: check its brackets.") from None
    except MarkedYAMLError as error:
        where = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{where} is not YAML: {' '.join(str(error.problem).split())}.") from None
    except (YAMLError, ValueError, TypeError) as error:  # numbers and dates that are none, letters that may not be
        raise UserError(f"{path} is not YAML: {' '.join(str(error).split())[:200]}.") from None
    if _count(values, MAX_VALUES) > MAX_VALUES:
        raise UserError(f"{path} holds more than {MAX_VALUES:,} values, or an alias in itself: remove some.")
    return values


def _kind(mode: int) -> str:
    """What stands in a file's place; "" for a file."""
    return next((kind for is_of, kind in KINDS.items() if is_of(mode)), "")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in pairs:
        values[key] = Twice() if key in values else value
    return values


def _whole_number(digits: str) -> int | float:
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _count(values: Any, most: int) -> int:
    """How many values there are with all that is inside them; counting ends beyond ``most``."""
    waiting, count = [values], 0
    while waiting and count <= most:
        value = waiting.pop()
        count += 1
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | set | tuple):
            waiting += value
    return count
