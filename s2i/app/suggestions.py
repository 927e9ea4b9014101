"""What the page suggests: words, and held-out sketches to try."""

import json
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from s2i.core.errors import UserError
from s2i.vocabulary import prompts

PARTS = ("structure", "color", "material")
EXAMPLES = 6
FILE = "offers.json"


class Suggestions(NamedTuple):
    """words: for each of `PARTS` what to suggest, commonest first; examples: sketch file and prompt."""

    words: dict[str, list[str]]
    examples: list[tuple[str, str]]


def of_records(folder: Path = Path("data/augmented")) -> Suggestions:
    """The words of all records, and sketches of held-out photos, no two of one structure while there are others."""
    if not (folder / "records.parquet").exists():
        return Suggestions({part: [] for part in PARTS}, [])
    from s2i.core.records import Records  # pandas takes a second to import

    rows = list(Records(folder))
    counts = {part: Counter(row[part] for row in rows if row.get(part)) for part in PARTS}
    held_out = [row for row in rows if row["split"] == "test" and not row.get("flip")]
    chosen: dict[str, dict] = {}
    for row in sorted(held_out, key=lambda row: row.get("sketch_style") != "given"):
        chosen.setdefault(row.get("structure") or row["id"], row)
    rows = list(chosen.values())[:EXAMPLES]
    examples = [(str(row["sketch"]), row["prompt"] or prompts.plain(row)) for row in rows]
    return Suggestions({part: [word for word, _ in found.most_common()] for part, found in counts.items()}, examples)


def of_folder(folder: Path) -> Suggestions:
    """What `write` put into a folder; raises UserError when that is not whole."""
    try:
        kept = json.loads((folder / FILE).read_text(encoding="utf-8"))
        words = {part: list(kept["words"][part]) for part in PARTS}
        return Suggestions(words, [(str(folder / file), prompt) for file, prompt in kept["examples"]])
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{folder / FILE} is not whole: write the folder again, or remove the file.") from None


def write(offers: Suggestions, folder: Path) -> None:
    """Copy the examples into a folder, and write down all that is offered."""
    from s2i.imaging import io

    named = []
    for number, (sketch, prompt) in enumerate(offers.examples, start=1):
        io.write_png(folder / f"example-{number}.png", io.read_grey(Path(sketch)))
        named.append((f"example-{number}.png", prompt))
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"words": offers.words, "examples": named}, indent=2, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
