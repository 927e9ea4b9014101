"""What a study draws and what it tells classes by."""

import warnings
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.imaging import io
from s2i.networks import probes
from s2i.vocabulary.attributes import label_in_words

CLASS = "structure"  # the attribute that a probe calls a class: the word that captions begin with


def select(rows: Iterable[dict], count: int, seed: int) -> list[dict]:
    """All records but the test ones, and ``count`` of these: as many of each class, different photos first.

    Which ones is drawn by the seed, and does not depend on what else there is of other classes.
    Warns where there are fewer than asked for; raises UserError where there are none.
    """
    others: list[dict] = []
    test_rows: dict[str, list[dict]] = defaultdict(list)  # by class
    for row in rows:
        (test_rows[row.get("label", "")] if row["split"] == "test" else others).append(row)
    queues = [_queue(test_rows[label], seed) for label in sorted(test_rows)]
    turns = range(max(map(len, queues), default=0))
    items = [queue[turn] for turn in turns for queue in queues if turn < len(queue)][:count]
    if not items:
        raise UserError("study.items: there is no held-out sketch to draw: raise ingest.test.")
    if len(items) < count:
        warnings.warn(f"study.items is {count}, and there are {len(items)} held-out sketches.", stacklevel=2)
    return others + sorted(items, key=lambda row: (row.get("label", ""), row["id"], row["variant"]))


def _queue(rows: Iterable[dict], seed: int) -> list[dict]:
    """The items of a class in a random order; a photo's second sketch comes when every photo had its first."""
    shuffled = sorted(rows, key=lambda row: cache.fingerprint("item", seed, row["id"], row["variant"]))
    sketches_before: dict[str, int] = defaultdict(int)  # of the same photo
    turns = []
    for row in shuffled:
        turns.append(sketches_before[row["id"]])
        sketches_before[row["id"]] += 1
    order = sorted(range(len(shuffled)), key=lambda index: (turns[index], index))
    return [shuffled[index] for index in order]


def images(rows: Iterable[dict], of: str) -> list[tuple[str, Path]]:
    """(class, file) of every photo once, or of every sketch as it was paired with its photo."""
    photos = {row["id"]: row for row in rows}.values()
    if of == "photo":
        return [(row.get("label", ""), Path(row["photo"])) for row in photos]
    return [(row.get("label", ""), Path(sketch)) for row in photos for sketch in row["sketches"].values()]


def fit_probe(rows: Iterable[dict], of: str) -> probes.Probes:
    """A probe that tells the classes of sketches or photos, fitted on those to train on.

    Raises UserError where these are not of two classes at least.
    """
    known = [(label, file) for label, file in images([row for row in rows if row["split"] == "train"], of) if label]
    if len({label for label, _ in known}) < 2:
        raise UserError(f"the training {of}s have fewer than two classes to tell apart: label them, or add classes.")
    inputs = probes.features([io.read(file) for _, file in known])
    return probes.fit(inputs, [{CLASS: label_in_words(label)} for label, _ in known], names=[CLASS])
