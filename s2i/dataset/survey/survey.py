"""What the data is and what it lacks: figures, a heat map of its coverage, a contact sheet of its sketches, a card."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from s2i.core import quarantine
from s2i.core.parallel import fan_out
from s2i.core.params import Survey, Workers
from s2i.dataset.survey import quality
from s2i.dataset.survey.card import card
from s2i.dataset.survey.contact_sheet import contact_sheet, in_every_style
from s2i.dataset.survey.coverage import coverage, plot_coverage
from s2i.dataset.survey.observations import Observation, observe, sketch_f1s
from s2i.imaging import io
from s2i.metrics.intervals import mean_interval

SHEET_ROWS = 6
MAX_SAMPLED = 12  # rendered photos that the styles which pair.styles lacks are scored on


def survey(
    records: Collection[dict], refusing: Iterable[Path], folder: Path, params: Survey, probes: Path, workers: Workers
) -> dict:
    """The figures of metrics/data.json; README.md, coverage.png, sketches.png and captions.png go into ``folder``.

    With params.quality also quality.csv, and the number of photos with each issue of it.

    records: captioned ones.  refusing: the folders whose quarantine.csv list what is not used.
    """
    refused = [row for refusing_folder in refusing for row in quarantine.read(refusing_folder)]
    observe_photo = partial(observe, probes=probes if probes.exists() else None)
    observations: list[Observation] = list(fan_out(observe_photo, records, "surveying", workers))
    facts = [photo.facts for photo in observations]
    unlicensed = [photo.source for photo in observations if not photo.is_licensed]
    figures = {
        "photos": len(observations),
        "splits": dict(Counter(photo.split for photo in observations)),
        "quarantined": len(refused),
        "licences": dict(Counter(photo.licence for photo in observations)),
        "unlicensed": len(unlicensed),
        "captions": dict(Counter(photo.captioned_by for photo in observations)),
        "matte_coverage": float(np.mean([photo.matte_coverage for photo in observations])),
        "coverage": coverage(facts, params.wanted),
    }
    sampled_f1s = _draw_sketches(records, observations, folder / "sketches.png", workers)
    figures |= _against_truth(observations, sampled_f1s)
    if params.quality:
        figures["quality"] = quality.check(records, folder / "quality.csv", workers)
    plot_coverage(facts, params.wanted, folder / "coverage.png")
    _compare_captions(observations, folder)
    (folder / "README.md").write_text(card(figures, unlicensed, refused, MAX_SAMPLED), encoding="utf-8")
    return figures


def _draw_sketches(
    records: Iterable[dict], observations: Sequence[Observation], sheet: Path, workers: Workers
) -> dict[str, dict[str, float]]:
    """Write the contact sheet; returns the F1s of the sketches in every style of a few rendered photos, by id."""
    by_id = sorted(observations, key=lambda photo: photo.id)  # hashes: as good as random, and stable when photos come
    on_sheet = [photo.id for photo in by_id[:SHEET_ROWS]]
    sampled = [photo.id for photo in by_id if photo.is_rendered][:MAX_SAMPLED]
    chosen = [record for record in records if record["id"] in {*on_sheet, *sampled}]
    with TemporaryDirectory() as drafts:
        sketched = {record["id"]: record for record in in_every_style(chosen, Path(drafts), workers)}
        io.write_png(sheet, contact_sheet([sketched[photo_id] for photo_id in on_sheet]))
        return {photo_id: sketch_f1s(sketched[photo_id]) for photo_id in sampled}


def _against_truth(observations: Sequence[Observation], sampled_f1s: Mapping[str, dict[str, float]]) -> dict[str, Any]:
    """What can be checked where truth came with the photos: mattes, sketches and the attribute probes."""
    figures: dict[str, Any] = {}
    if overlaps := [photo.matte_iou for photo in observations if photo.matte_iou is not None]:
        figures["matte_iou"] = mean_interval(overlaps)
    scores: dict[str, list[float]] = {}
    for photo in observations:
        for style, score in sampled_f1s.get(photo.id, photo.sketch_f1).items():
            scores.setdefault(style, []).append(score)
    if scores:
        figures["sketch_f1"] = {style: mean_interval(values) for style, values in sorted(scores.items())}
    if checked := [photo for photo in observations if photo.predicted]:
        from s2i.networks.probes import accuracy  # with torch, which the other photos do without

        figures["attribute_accuracy"] = accuracy(
            [photo.predicted for photo in checked], [photo.given for photo in checked]
        )
    return figures


def _compare_captions(observations: Sequence[Observation], folder: Path) -> None:
    """captions.csv and captions.png: captions of each origin beside those of others, by class where photos have one."""
    import pandas as pd

    from s2i.dataset.survey import caption_table

    rows = [
        {"image": photo.source, "label": photo.label, "prompt": photo.captioned_by, "answer": photo.caption}
        for photo in observations
    ]
    with_caption = [row for row in rows if row["answer"]] or rows
    of_a_class = [row for row in with_caption if row["label"]]
    table = pd.DataFrame(of_a_class) if of_a_class else pd.DataFrame(with_caption).drop(columns="label")
    compared = caption_table.compare(table)
    compared.to_csv(folder / "captions.csv", index=False)
    caption_table.plot(compared, folder / "captions.png")
