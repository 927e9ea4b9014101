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
    kept, classes = [], defaultdict(list)
    for row in rows:
        (classes[row.get("label", "")] if row["split"] == "test" else kept).append(row)
    queues = [_in_turn(classes[label], seed) for label in sorted(classes)]
    turns = range(max(map(len, queues), default=0))
    items = [queue[turn] for turn in turns for queue in queues if turn < len(queue)][:count]
    if not items:
        raise UserError("study.items: there is no held-out sketch to draw: raise ingest.test.")
    if len(items) < count:
        warnings.warn(f"study.items is {count}, and there are {len(items)} held-out sketches.", stacklevel=2)
    return kept + sorted(items, key=lambda row: (row.get("label", ""), row["id"], row["variant"]))


def _in_turn(rows: Iterable[dict], seed: int) -> list[dict]:
    """The items of a class in a drawn order; a photo's second sketch comes when every photo had its first."""
    drawn = sorted(rows, key=lambda row: cache.fingerprint("item", seed, row["id"], row["variant"]))
    seen, turns = defaultdict(int), []
    for row in drawn:
        turns.append(seen[row["id"]])
        seen[row["id"]] += 1
    order = sorted(range(len(drawn)), key=lambda place: (turns[place], place))
    return [drawn[place] for place in order]


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
