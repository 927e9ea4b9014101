"""What the columns of other people's tables mean: the names that data sets on the hub and trainers use."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from s2i.core.quarantine import Refused
from s2i.dataset.ingest.sources import table

SYNONYMS = {
    "file": ("file_name", "image_path", "filename", "image", "photo", "img", "jpg", "jpeg", "png", "webp"),
    "sketch": ("conditioning_image", "control_image", "conditioning", "control", "control_path"),
    "caption": ("text", "prompt", "txt"),
    "licence": ("license",),
    "source_url": ("url",),
}
MEANT = tuple(column for column in table.KNOWN if column not in table.IGNORED)


def meanings(names: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """{column of photos.csv: column of the table} for those columns that mean something here.

    names: the columns that there are.  given: `ingest.columns`, which goes before the names that are known; then the
    name itself counts, and then each of SYNONYMS in turn.  Names end as they like on _file_name, as in an imagefolder.
    """
    plain = {_plain(name): name for name in reversed(list(names))}
    meant: dict[str, str] = {}
    for column in MEANT:
        candidates = (given[column],) if column in given else (column, *SYNONYMS.get(column, ()))
        found = next((plain[_plain(name)] for name in candidates if _plain(name) in plain), None)
        if found is not None and found not in meant.values():
            meant[column] = found
    return meant


def unknown(names: Iterable[str], meant: Mapping[str, str], where: str) -> Iterator[Refused]:
    """A refusal for each column that means nothing here."""
    for name in names:
        if name and name not in meant.values() and name not in table.IGNORED:
            yield Refused(where, "unknown column", f"'{name}' (ingest.columns says what a column is)")


def cells(row: Mapping[str, Any], meant: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The cells of a row as those of photos.csv, text alone, and what of them is no single value, in words.

    Of several captions the first counts.
    """
    texts, problems = {}, []
    for column, name in meant.items():
        value = row.get(name)
        if isinstance(value, list | tuple) and value and all(isinstance(one, str) for one in value):
            if len(value) > 1:
                problems.append(f"{column} has {len(value)} values, of which the first counts")
            value = value[0]
        if isinstance(value, str | bool | int | float):
            text = str(value).strip()
            if text:
                texts[column] = text
        elif value is not None:
            problems.append(f"{column} is no text")
    return texts, problems


def _plain(name: str) -> str:
    name = name.strip().lower()
    return name.removesuffix("_file_name") if name != "file_name" else name
