"""Which combinations of attributes photos show, and which of the wanted mix none does."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from s2i.imaging import plots
from s2i.vocabulary.attributes import FLAGS, given_parts
from s2i.vocabulary.wordings import canonical, prompt_word

Value = str | bool
Facts = dict[str, Value]  # an attribute and its value
Wanted = Mapping[Any, Sequence[Value]]  # an attribute and the values of it that a good collection shows
Shows = dict[tuple[str, Value], np.ndarray]  # for an attribute and a value, which photos (N,) bool show it
TRIPLES = (("curved", "glass", "view"), ("style", "material", "view"))  # looked at beside all pairs
IMPOSSIBLE: tuple[Facts, ...] = ({"glass": False, "material": "glass"},)  # contradictions, which no photo can show
WITHOUT = {"curved": "straight", "glass": "glassless"}  # a building of which the flag is false


def facts_of(record: Mapping) -> Facts:
    """What is known of a photo, given or read off it, by the names of the wanted mix."""
    described = record["described"] | given_parts(record)
    facts: Facts = {part: word for part, word in described.items() if part not in FLAGS}
    for name in FLAGS:
        if record.get(name) is not None:
            facts[name] = record[name]
        elif name in record["described_by"]:
            facts[name] = name in described
    return facts


def coverage(facts: Sequence[Facts], wanted: Wanted) -> dict[str, Any]:
    """How far the photos are from the wanted mix, in which every value of an attribute is as frequent as the others.

    "pairs": share of the pairs of values of two attributes that some photo shows.  "off_balance": for each attribute
    half the summed difference between its shares and equal ones, from 0 to 1.  "holes": what no photo shows, in words,
    those that the wanted mix would show most often first.  "unknown": of how many photos nobody knows an attribute;
    what nobody looked at in any photo is neither a hole nor off balance, and what no photo can show is no hole.
    """
    shows = _shows(facts, wanted)
    pairs = [pair for names in combinations(wanted, 2) for pair in _combinations(wanted, names)]
    present = [pair for pair in pairs if _count(shows, pair)]
    missing = [pair for pair in pairs if pair not in present and _is_known(facts, pair) and _is_possible(pair)]
    missing += _missing_triples(facts, wanted, shows)
    missing.sort(key=lambda combination: -_share(combination, wanted))
    return {
        "pairs": len(present) / len(pairs) if pairs else 1.0,
        "off_balance": {
            name: _off_balance(shows, name, values) for name, values in wanted.items() if _is_known(facts, [name])
        },
        "unknown": {name: sum(name not in photo for photo in facts) for name in wanted},
        "holes": [in_words(combination) for combination in missing],
    }


def in_words(values: Facts) -> str:
    """A combination of values as what is missing: "no curved glass building seen from the left"."""
    adjectives = [str(values["style"])] if "style" in values else []
    adjectives += [name if values[name] else WITHOUT[name] for name in FLAGS if name in values]
    after = f" made of {values['material']}" if "material" in values else ""
    after += f" with a {values['roof']} roof" if "roof" in values else ""
    after += f" seen from the {prompt_word('view', str(values['view']))}" if "view" in values else ""
    return f"no {' '.join([*adjectives, 'building'])}{after}"


def _missing_triples(facts: Sequence[Facts], wanted: Wanted, shows: Shows) -> list[Facts]:
    """Triples that no photo shows.

    One is news only where each of its pairs is there, and where the wanted mix would show it at least once.
    """
    triples = [triple for names in TRIPLES if set(names) <= wanted.keys() for triple in _combinations(wanted, names)]
    return [
        triple
        for triple in triples
        if not _count(shows, triple)
        and _is_known(facts, triple)
        and all(_count(shows, dict(pair)) for pair in combinations(triple.items(), 2))
        and len(facts) * _share(triple, wanted) >= 1
    ]


def _combinations(wanted: Wanted, names: Sequence[str]) -> list[Facts]:
    """Every combination of the wanted values of some attributes."""
    if not names:
        return [{}]
    return [rest | {names[-1]: value} for rest in _combinations(wanted, names[:-1]) for value in wanted[names[-1]]]


def _shows(facts: Sequence[Facts], wanted: Wanted) -> Shows:
    shows: Shows = {}
    for name, values in wanted.items():
        words = [canonical(name, photo.get(name)) for photo in facts]
        shows |= {(name, value): np.array([word == canonical(name, value) for word in words], bool) for value in values}
    return shows


def _count(shows: Shows, values: Facts) -> int:
    """How many photos show all of the values at once."""
    return int(np.all([shows[item] for item in values.items()], axis=0).sum())


def _is_known(facts: Sequence[Facts], names: Iterable[str]) -> bool:
    """Whether somebody looked at these attributes together, in any photo."""
    return any(photo.keys() >= set(names) for photo in facts)


def _is_possible(values: Facts) -> bool:
    words = {(name, canonical(name, value)) for name, value in values.items()}
    return not any(impossible.items() <= words for impossible in IMPOSSIBLE)


def _share(values: Facts, wanted: Wanted) -> float:
    """The share of photos that would show all of the values in the wanted mix."""
    return float(np.prod([1 / len(wanted[name]) for name in values]))


def _off_balance(shows: Shows, name: str, values: Sequence[Value]) -> float:
    counts = np.array([_count(shows, {name: value}) for value in values])
    shares = counts / max(counts.sum(), 1)
    return float(np.abs(shares - 1 / len(values)).sum() / 2)


def plot_coverage(facts: Sequence[Facts], wanted: Wanted, file: Path) -> None:
    """How many photos show each pair of values; one that was looked for, and that none shows, is framed in red."""
    shows = _shows(facts, wanted)
    values = list(shows)
    is_shown = np.array(list(shows.values()), float)
    counts = is_shown @ is_shown.T
    exclusive = np.array([[a[0] == b[0] and a != b for b in values] for a in values])
    counts[exclusive] = np.nan
    side = 0.34 * len(values) + 2.2  # inches
    figure, axes = plots.pyplot().subplots(figsize=(side, side), layout="constrained")
    axes.imshow(counts, cmap="Blues", vmin=0)
    for row, column in zip(*np.nonzero(~np.isnan(counts)), strict=True):
        count = int(counts[row, column])
        dark = counts[row, column] > 0.6 * np.nanmax(counts)
        axes.text(column, row, count or "", ha="center", va="center", fontsize=7, color="white" if dark else "black")
        pair = dict((values[row], values[column]))
        if not count and _is_known(facts, pair) and _is_possible(pair):
            corner = (column - 0.42, row - 0.42)
            axes.add_patch(plots.pyplot().Rectangle(corner, 0.84, 0.84, fill=False, edgecolor="red"))
    flags = {True: "yes", False: "no"}
    labels = [f"{name}: {flags[value] if isinstance(value, bool) else value}" for name, value in values]
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=8)
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    for edge in np.cumsum([len(of_attribute) for of_attribute in wanted.values()])[:-1] - 0.5:
        axes.axhline(edge, color="grey", linewidth=0.6)
        axes.axvline(edge, color="grey", linewidth=0.6)
    axes.set_title(f"photos that show both (of {len(facts)}); red: none does", fontsize=10)
    plots.save(figure, file)
