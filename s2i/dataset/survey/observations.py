"""What a survey keeps of each photo: what is known of it, and how far its matte, sketches and attributes are right."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from s2i.core import cache
from s2i.core.records import is_licensed
from s2i.dataset.captioning import attributes
from s2i.dataset.survey.coverage import Facts, facts_of
from s2i.imaging import io
from s2i.metrics.pixels import intersection_over_union
from s2i.metrics.resketch import strokes
from s2i.metrics.structure import edge_f1
from s2i.vocabulary.attributes import PROBED, given_parts
from s2i.vocabulary.wordings import canonical

WITH_SYNONYMS = ("color", "material", "style", "view")  # columns that people have several words for


@dataclass(frozen=True)
class Observation:
    """One photo as the survey sees it.

    `given` are the attributes that its columns name, and `predicted` those of them that were read off the photo too.
    `sketch_f1` {style: F1} scores the sketches of a rendered photo against its true drawing; `matte_coverage` is the
    matte's share of the image, `matte_iou` its intersection over union with the true one, None where none came along.
    """

    id: str
    source: str
    split: str
    licence: str
    is_licensed: bool
    is_rendered: bool
    label: str | None
    caption: str
    captioned_by: str
    facts: Facts
    given: dict[str, str | bool | int | None]
    predicted: dict[str, str | bool]
    sketch_f1: dict[str, float]
    matte_coverage: float
    matte_iou: float | None = None


def observe(record: Mapping, probes: Path | None) -> Observation:
    """A captioned record as a survey sees it; without probes, the wall's colour alone is read off the photo."""
    usual_words = {name: canonical(name, word) for name, word in given_parts(record).items() if name in WITH_SYNONYMS}
    mattes = [Path(record[name]) for name in ("matte", "truth_matte") if record.get(name)]
    of_mattes = cache.remember(
        partial(_matte_figures, *mattes), "mattes", cache.code(__name__), *map(cache.file_hash, mattes)
    )
    return Observation(
        id=record["id"],
        source=record["source"],
        split=record["split"],
        licence=record.get("licence") or "unknown",
        is_licensed=is_licensed(record),
        is_rendered=_is_rendered(record),
        label=record.get("structure") or record.get("label"),
        caption=record.get("caption") or "",
        captioned_by=record["captioned_by"],
        facts=facts_of(record),
        given={name: record.get(name) for name in (*PROBED, "color")} | usual_words,
        predicted=_predicted(record, probes),
        sketch_f1=sketch_f1s(record),
        **of_mattes,
    )


def sketch_f1s(record: Mapping) -> dict[str, float]:
    """{style: F1 of its strokes} of each sketch of a rendered photo against its true drawing; {} for other photos."""
    if not _is_rendered(record):
        return {}
    truth = record["sketches"].get("given", record["given_sketches"][0])  # cut, where the backgrounds are
    sketches = {style: path for style, path in record["sketches"].items() if not style.startswith("given")}
    return {style: _sketch_f1(Path(sketch), Path(truth)) for style, sketch in sketches.items()}


def _sketch_f1(sketch: Path, truth: Path) -> float:
    def score() -> float:
        return edge_f1(strokes(io.read_grey(sketch)), strokes(io.read_grey(truth)))

    return cache.remember(score, "sketch f1", cache.code(__name__), cache.file_hash(sketch), cache.file_hash(truth))


def _is_rendered(record: Mapping) -> bool:
    """Whether the drawing that came with a photo is made from geometry."""
    return bool(record.get("truth_labels") and record.get("given_sketches"))


def _predicted(record: Mapping, probes: Path | None) -> dict[str, str | bool]:
    """What the probes, and a look at the wall, say of a photo of which a column tells the truth."""
    predicted: dict[str, str | bool] = {}
    if probes and any(record.get(name) is not None for name in PROBED):
        predicted |= attributes.read_attributes(record["photo"], probes)
    if record.get("color"):
        predicted["color"] = attributes.wall_color(record)
    return predicted


def _matte_figures(matte: Path, truth: Path | None = None) -> dict[str, float]:
    mask = io.read_grey(matte)
    figures = {"matte_coverage": float(mask.mean() / 255)}
    return figures | ({"matte_iou": intersection_over_union(mask, io.read_grey(truth))} if truth else {})
