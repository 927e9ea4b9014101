"""Which combinations of attributes photos show, and which of the wanted mix none does."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from s2i.imaging import plots
from s2i.vocabulary.attributes import FLAGS, given_parts
from s2i.vocabulary.wordings import canonical, prompt_word

Facts = dict[str, str | bool]  # an attribute and its value
Columns = dict[tuple[str, str | bool], np.ndarray]  # for an attribute and a value, which photos (N,) show it
TRIPLES = (("curved", "glass", "view"), ("style", "material", "view"))  # looked at beside all pairs


def facts_of(record: dict) -> Facts:
    """What is known of a photo, given or read off it, by the names of the wanted mix."""
    described = record["described"] | given_parts(record)
    facts = {part: word for part, word in described.items() if part not in FLAGS}
    for name in FLAGS:
        if record.get(name) is not None:
            facts[name] = record[name]
        elif name in record["described_by"]:
            facts[name] = name in described
    return facts


def coverage(facts: Sequence[Facts], wanted: dict[str, list]) -> dict:
    """How far the photos are from the wanted mix, in which every value of an attribute is as frequent as the others.

    "pairs": share of the pairs of values of two attributes that some photo shows.  "off_balance": for each attribute
    half the summed difference between its shares and equal ones, from 0 to 1.  "holes": what no photo shows, in words,
    those that the wanted mix would show most often first.  "unknown": of how many photos nobody knows an attribute;
    what nobody looked at in any photo is neither a hole nor off balance.
    """
    pairs = [pair for names in combinations(wanted, 2) for pair in _combinations(wanted, names)]
    columns = _columns(facts, wanted)
    shown = [pair for pair in pairs if _count(columns, pair)]
    triples = [triple for names in TRIPLES if set(names) <= wanted.keys() for triple in _combinations(wanted, names)]
    missing = [hole for hole in pairs if hole not in shown and _is_looked_at(facts, hole)]
    # A triple is news only where each of its pairs is there.
    missing += [
        triple
        for triple in triples
        if not _count(columns, triple)
        and _is_looked_at(facts, triple)
        and all(_count(columns, dict(pair)) for pair in combinations(triple.items(), 2))
        and len(facts) * _share(triple, wanted) >= 1
    ]
    missing.sort(key=lambda hole: -_share(hole, wanted))
    return {
        "pairs": len(shown) / len(pairs) if pairs else 1.0,
        "off_balance": {
            name: _off_balance(columns, name, values) for name, values in wanted.items() if _is_looked_at(facts, [name])
        },
        "unknown": {name: sum(name not in fact for fact in facts) for name in wanted},
        "holes": [in_words(hole) for hole in missing],
    }


def in_words(values: Facts) -> str:
    """A combination of values as what is missing: "no curved glass building seen from the left"."""
    before = [values[name] for name in ("style",) if name in values]
    for name in FLAGS:
        if name in values:
            before.append(name if values[name] else {"curved": "straight", "glass": "glassless"}[name])
    after = f" made of {values['material']}" if "material" in values else ""
    after += f" with a {values['roof']} roof" if "roof" in values else ""
    after += f" seen from the {prompt_word('view', values['view'])}" if "view" in values else ""
    return f"no {' '.join([*before, 'building'])}{after}"


def _combinations(wanted: dict[str, list], names: Sequence[str]) -> list[Facts]:
    if not names:
        return [{}]
    return [rest | {names[-1]: value} for rest in _combinations(wanted, names[:-1]) for value in wanted[names[-1]]]


def _columns(facts: Sequence[Facts], wanted: dict[str, list]) -> Columns:
    columns = {}
    for name, values in wanted.items():
        shown = [canonical(name, fact.get(name)) for fact in facts]
        columns |= {(name, value): np.array([one == canonical(name, value) for one in shown], bool) for value in values}
    return columns


def _count(columns: Columns, values: Facts) -> int:
    return int(np.all([columns[item] for item in values.items()], axis=0).sum())


def _is_looked_at(facts: Sequence[Facts], names: Iterable[str]) -> bool:
    return any(fact.keys() >= set(names) for fact in facts)


def _share(values: Facts, wanted: dict[str, list]) -> float:
    return float(np.prod([1 / len(wanted[name]) for name in values]))


def _off_balance(columns: Columns, name: str, values: list) -> float:
    counts = np.array([_count(columns, {name: value}) for value in values])
    shares = counts / max(counts.sum(), 1)
    return float(np.abs(shares - 1 / len(values)).sum() / 2)


def plot_coverage(facts: Sequence[Facts], wanted: dict[str, list], file: Path) -> None:
    """How many photos show each pair of values; one that was looked for, and that none shows, is framed in red."""
    columns = _columns(facts, wanted)
    labels = list(columns)
    shown = np.array(list(columns.values()), float)
    counts = shown @ shown.T
    same = np.array([[a[0] == b[0] and a != b for b in labels] for a in labels])
    counts[same] = np.nan
    side = 0.34 * len(labels) + 2.2
    figure, axes = plots.pyplot().subplots(figsize=(side, side), layout="constrained")
    axes.imshow(counts, cmap="Blues", vmin=0)
    for row, column in zip(*np.nonzero(~np.isnan(counts)), strict=True):
        count = int(counts[row, column])
        hole = not count and _is_looked_at(facts, (labels[row][0], labels[column][0]))
        dark = counts[row, column] > 0.6 * np.nanmax(counts)
        axes.text(column, row, count or "", ha="center", va="center", fontsize=7, color="white" if dark else "black")
        if hole:
            axes.add_patch(
                plots.pyplot().Rectangle((column - 0.42, row - 0.42), 0.84, 0.84, fill=False, edgecolor="red")
            )
    said = {True: "yes", False: "no"}
    names = [f"{name}: {said.get(value, value)}" for name, value in labels]
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    edges = np.cumsum([len(values) for values in wanted.values()])[:-1] - 0.5
    for edge in edges:
        axes.axhline(edge, color="grey", linewidth=0.6)
        axes.axvline(edge, color="grey", linewidth=0.6)
    axes.set_title(f"photos that show both (of {len(facts)}); red: none does", fontsize=10)
    plots.save(figure, file)
