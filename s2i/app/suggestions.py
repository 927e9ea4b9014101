"""What the page suggests: words for a prompt, and held-out sketches to try."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from s2i.core.errors import UserError
from s2i.core.records import Records
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
    """What `write` put into a folder; raises UserError when that is not whole."""
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        words = {part: list(content["words"][part]) for part in MAIN_PARTS}
        return Suggestions(words, [(str(folder / name), prompt) for name, prompt in content["examples"]])
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{path} is not whole: write the folder again, or remove the file.") from None


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
