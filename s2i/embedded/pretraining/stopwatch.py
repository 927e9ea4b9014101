"""How long a training took on which processor, also where it ran in several sittings."""

import json
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from s2i.core import run_card
from s2i.core.files import write_json
from s2i.core.user_files import read_text

EVERY = 20  # steps between two notes
SECONDS = "seconds.json"  # beside checkpoints: by processor
HOURS = "hours.json"  # beside trained weights: by processor


class Stopwatch:
    """The log of a training that adds up its seconds by processor in a file beside its checkpoints."""

    def __init__(self, checkpoints: Path):
        self.file = checkpoints / SECONDS
        self.before = Counter(read(self.file))
        self.processor = str(run_card.hardware()["processor"])
        self.began = time.monotonic()

    def __call__(self, step: int, figures: dict[str, float]) -> None:
        """Note the time every few steps, so that a killed run keeps its hours."""
        if step % EVERY == 0:
            self.save()

    def save(self) -> None:
        """Note the time until now."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        write_json(self.file, self.before + Counter({self.processor: time.monotonic() - self.began}))


def read(file: Path) -> dict[str, float]:
    """{processor: seconds, or hours}, empty where nothing was noted yet."""
    return json.loads(read_text(file)) if file.exists() else {}


def write_hours(folder: Path, checkpoints: Iterable[Path]) -> None:
    """Put the hours of a part that was trained in one or several runs beside its weights."""
    total: Counter[str] = Counter()
    for run in checkpoints:
        total.update(read(run / SECONDS))
    write_json(folder / HOURS, {processor: round(spent / 3600, 2) for processor, spent in total.items()})
