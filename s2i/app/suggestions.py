"""What the page suggests: words for a prompt, and held-out sketches to try."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from s2i.core.errors import UserError
from s2i.core.records import Records
from s2i.core.user_files import read_json
from s2i.imaging import io
from s2i.vocabulary import prompts
from s2i.vocabulary.attributes import MAIN_PARTS

MAX_EXAMPLES = 6
FILE = "offers.json"


class Suggestions(NamedTuple):
    """words: for each of `MAIN_PARTS` what to suggest, commonest first; examples: sketch file and prompt."""

    words: dict[str, list[str]]
    examples: list[tuple[str, str]]


def of_records(folder: Path = Path("data/augmented")) -> Suggestions:
    """The words of all records, and sketches of held-out photos, no two of one structure while there are others."""
    if not (folder / "records.parquet").exists():
        return Suggestions({part: [] for part in MAIN_PARTS}, [])
    records = list(Records(folder))
    counts = {part: Counter(record[part] for record in records if record.get(part)) for part in MAIN_PARTS}
    words = {part: [word for word, _ in counter.most_common()] for part, counter in counts.items()}
    held_out = [record for record in records if record["split"] == "test" and not record.get("flip")]
    chosen: dict[str, dict] = {}
    for record in sorted(held_out, key=lambda record: record.get("sketch_style") != "given"):
        chosen.setdefault(record.get("structure") or record["id"], record)
    examples = list(chosen.values())[:MAX_EXAMPLES]
    return Suggestions(
        words, [(str(record["sketch"]), record["prompt"] or prompts.plain(record)) for record in examples]
    )


def of_folder(folder: Path) -> Suggestions:
    """What `write` put into a folder; raises UserError when it is something else.

    The page gives the examples to every visitor, so they are images in this very folder, whoever wrote the file.
    """
    path = folder / FILE
    try:
        content = read_json(path)
        words = {part: [str(word) for word in content["words"][part]] for part in MAIN_PARTS}
        examples = [(str(_image_in(folder, name)), str(prompt)) for name, prompt in content["examples"]]
    except (ValueError, TypeError, KeyError, UserError):
        raise UserError(f"{path} is not whole: write the folder again, or remove the file.") from None
    return Suggestions(words, examples)


def _image_in(folder: Path, name: str) -> Path:
    """The image of that name in a folder; raises ValueError for what is elsewhere, UserError for what is no image."""
    file = folder / name
    if Path(name).name != name or file.is_symlink():
        raise ValueError(name)
    io.read_grey(file)
    return file


def write(suggestions: Suggestions, folder: Path) -> None:
    """Copy the examples into a folder, and write down all suggestions."""
    examples = []
    for number, (sketch, prompt) in enumerate(suggestions.examples, start=1):
        name = f"example-{number}.png"
        io.write_png(folder / name, io.read_grey(Path(sketch)))
        examples.append((name, prompt))
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"words": suggestions.words, "examples": examples}, indent=2, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
