"""The files of a source wherever it is: in a folder here, or at an address that fsspec opens (s3, gs, hf, https).

Credentials are those of the libraries: the environment or the files that s3fs, gcsfs and huggingface_hub look at.
"""

import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from s2i.core import cache
from s2i.core.errors import UserError, first_line
from s2i.core.files import whole_file
from s2i.core.parallel import CHUNK, chunked
from s2i.core.quarantine import Refused

EXTRAS = {"s3": "cloud", "s3a": "cloud", "gs": "cloud", "gcs": "cloud"}
CONTENT = (
    "ETag",
    "etag",
    "md5Hash",
    "generation",
    "blob_id",
    "LastModified",
    "Last-Modified",
    "last_modified",
    "mtime",
)
OUTSIDE = "name leads out of the folder"
MAX_NUMBERED = 1_000_000  # files that {000..012} may stand for
THREADS = 8  # files that are asked about or fetched at a time
TRIES = 3  # at a file, some seconds apart
STREAMED = ("http", "https", "hf")  # whose files are read from the beginning to the end in one request
BLOCK = 2**22  # bytes that other files are read in
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class SourceFile:
    """A file of a source: `name` is its path in there, `version` changes when its content does."""

    name: str
    path: str  # as the file system wants it
    system: Any  # an fsspec file system
    size: int | None
    version: str

    def open(self) -> IO[bytes]:
        """The file opened as a stream; the caller closes it."""
        block = 0 if _protocol(self.system) in STREAMED else BLOCK
        return self.system.open(self.path, "rb", block_size=block)

    def copy(self, target: Path) -> None:
        """Write the file to target, whole or not at all; raises OSError where the stream ends early."""
        with whole_file(target) as draft:
            with self.open() as content, open(draft, "wb") as copy:
                shutil.copyfileobj(content, copy, 2**20)
            if self.size is not None and draft.stat().st_size != self.size:
                raise OSError(f"it ends after {draft.stat().st_size} of {self.size} bytes")


def is_remote(location: str) -> bool:
    """Whether a location is an address, and not a folder or file of this machine."""
    return "://" in location


def list_files(location: str, wants: Callable[[str], bool]) -> list[SourceFile | Refused]:
    """The files of a location whose names ``wants`` takes, sorted; names that lead out of it are refused.

    location: a folder, a file, or a pattern with * or {000..012}, local or an address.
    Raises UserError when nothing can be listed there.
    """
    with explained(location):
        system, paths = _system(location)
        found: dict[str, dict] = {}
        for path in paths:
            found |= _listing(system, path, wants)
        names = _names(system, paths, found)
        files = sorted((names[path], path) for path in found if wants(names[path]))
        inside = [file for file in files if is_inside(file[0])]
        with ThreadPoolExecutor(THREADS) as threads:  # servers without listings are asked about each file
            listed = list(threads.map(lambda file: _file(system, file[0], file[1], found[file[1]]), inside))
    return [*listed, *(Refused(name, OUTSIDE) for name, _ in files if not is_inside(name))]


def read_text(location: str, name: str) -> str | None:
    """A small text file in the folder of a location, such as README.md; None where there is none."""
    with explained(location):
        system, (path, *_) = _system(location)
        parents = [path, *(str(parent) for parent in PurePosixPath(path).parents)][:3]
        for parent in parents:
            file = f"{parent.rstrip('/')}/{name}"
            try:
                return system.cat_file(file)[: 2**20].decode("utf-8", errors="replace")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError):
                continue
    return None


def persist(action: Callable[[], Result], location: str) -> Result:
    """What an action on a file of a location gives, tried again where the network fails.

    Raises FileNotFoundError and PermissionError as they are, which are about one file, and UserError for the others.
    """
    for attempt in range(TRIES):
        try:
            return action()
        except (FileNotFoundError, PermissionError, UserError):
            raise
        except Exception as error:  # each file system fails in ways of its own
            failure = error
            time.sleep(2**attempt if attempt < TRIES - 1 else 0)
    raise UserError(f"{location} cannot be read on: {_said(failure)}; what came is kept, run again.")


def in_threads(function: Callable[[Item], Result], items: Sequence[Item], description: str) -> Iterator[Result]:
    """``function(item)`` for each item, in order, THREADS at a time; the first error ends it."""
    with ThreadPoolExecutor(THREADS) as threads, tqdm(desc=description, total=len(items), unit="file") as bar:
        for chunk in chunked(items, CHUNK):
            futures = [threads.submit(function, item) for item in chunk]
            try:
                for future in futures:
                    yield future.result()
                    bar.update()
            finally:
                for future in futures:
                    future.cancel()


@contextmanager
def explained(location: str) -> Iterator[None]:
    """Errors of file systems in the block as UserErrors that say what to do."""
    protocol = location.partition("://")[0] if is_remote(location) else "file"
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        extra = EXTRAS.get(protocol)
        remedy = f"`pip install -e '.[{extra}]'` installs what {protocol}:// needs" if extra else "do so"
        raise UserError(f"{location} cannot be read: {_said(error).rstrip('.')}: {remedy}.") from None
    except FileNotFoundError:
        raise UserError(f"{location} is not there: correct ingest.url.") from None
    except Exception as error:  # see persist
        raise UserError(
            f"{location} cannot be read: {_said(error)}; see to ingest.url, the network and the credentials."
        ) from None


def is_inside(name: str) -> bool:
    """Whether a name is a path that stays in its folder."""
    parts = re.split(r"[/\\]", name)
    return bool(name) and not {"", ".", ".."} & set(parts) and "\0" not in name and ":" not in parts[0]


def _system(location: str) -> tuple[Any, list[str]]:
    """The file system of a location, and the paths that it names in there."""
    import aiohttp
    import fsspec

    options: dict[str, Any] = {}
    if location.startswith(("http://", "https://")):  # no limit to the whole of a file, but to waiting for it
        options["client_kwargs"] = {"timeout": aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)}
    locations = list(_braces_expanded(location))
    system, path = fsspec.url_to_fs(locations[0], **options)
    return system, [path, *(system._strip_protocol(other) for other in locations[1:])]


def _braces_expanded(location: str) -> Iterator[str]:
    """shard-{000..002}.tar as three locations, the way webdataset writes them."""
    match = re.search(r"\{(\d+)\.\.(\d+)\}", location)
    if not match:
        yield location
        return
    if int(match[2]) - int(match[1]) > MAX_NUMBERED:
        raise UserError(f"ingest.url: {match[0]} stands for more than {MAX_NUMBERED:,} files: correct it.")
    for number in range(int(match[1]), int(match[2]) + 1):
        yield from _braces_expanded(f"{location[: match.start()]}{number:0{len(match[1])}}{location[match.end() :]}")


def _listing(system: Any, path: str, wants: Callable[[str], bool]) -> dict[str, dict]:
    if re.search(r"[*?\[]", path):
        return {name: info for name, info in system.glob(path, detail=True).items() if info["type"] == "file"}
    name = PurePosixPath(urlsplit(path).path).name
    if name and wants(name) and not (_protocol(system) == "file" and Path(path).is_dir()):
        return {path: system.info(path)}
    raising = {"on_error": "raise"} if _protocol(system) in ("http", "https") else {}  # it leaves out what fails
    found = system.find(path, detail=True, **raising)
    if not found:
        system.ls(path)  # says whether nothing is there, or there is none
    return {name: info for name, info in found.items() if info["type"] == "file" and "?" not in name}


def _names(system: Any, paths: Iterable[str], found: Iterable[str]) -> dict[str, str]:
    """The names of files below the folder that all of the paths share."""
    folders = []
    files = set(found)
    for path in paths:
        parts = path.rstrip("/").split("/")
        stop = next((at for at, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts))
        folders.append(parts[: stop - (path in files)])
    shared = 0
    while all(len(folder) > shared and folder[shared] == folders[0][shared] for folder in folders):
        shared += 1
    quoted = _protocol(system) in ("http", "https")
    names = {file: "/".join(file.split("/")[shared:]) for file in files}
    return {file: unquote(name) if quoted else name for file, name in names.items()}


def _file(system: Any, name: str, path: str, info: dict) -> SourceFile:
    if not any(info.get(key) for key in CONTENT):
        info = info | system.info(path)  # an index page says nothing of its files
    version = cache.fingerprint(path, info.get("size"), [str(info[key]) for key in CONTENT if info.get(key)])
    return SourceFile(name, path, system, info.get("size"), version)


def _protocol(system: Any) -> str:
    return system.protocol if isinstance(system.protocol, str) else system.protocol[0]


def _said(error: Exception) -> str:
    return first_line(error)[:300]
