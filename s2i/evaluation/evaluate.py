"""Drawn images against the photos their sketches were made of: a table, figures with intervals, and images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.params import Evaluate
from s2i.evaluation import scoring, summary
from s2i.evaluation.figures import show
from s2i.metrics import distributions

MODELS = ("base", "finetuned")
SETS = ("finetuned", "base", "target", "shuffled")
IDENTITY = ("id", "variant", "sketch_style", "prompt", "generation_seed", "model")
TABLE, INTERVALS = "per_image.csv", "intervals.csv"
IMAGES = ("photo", "sketch", "truth_matte", "matte", "truth_labels")
FACTS = ("id", "sketch_style", "prompt", "windows", "described")


def evaluate(records: Sequence[dict], folder: Path, params: Evaluate, attributes: Path | None = None) -> dict:
    """The figures of metrics/evaluate.json; tables and images go into ``folder``.

    {SET: {metric: number}} for the sets "finetuned", "base" and, as a scale, "target", each photo in the place of what
    was drawn of it, and "shuffled", another photo there; "gain": finetuned less base; "styles": headlines by style of
    the sketches; "gap": headlines of drawings that came along less made sketches ("style"), and without less with a
    prompt ("prompt") where some were drawn so; "images" and "photos"; "left_out": what is not there, and why.
    ``intervals.csv`` has the intervals of all these; they resample photos, not images.
    attributes: probes that read a material off an image.  Raises UserError when images are missing or too small.
    """
    tables, distances, reasons = _scored(records, attributes, params.batch_size)
    figures = {name: summary.means(tables[name], params.level) | distances[name] for name in SETS}
    drawn, showable = tables["finetuned"], dict(figures)
    absent = summary.left_out(figures, tables, reasons)
    figures["gain"] = summary.differences(drawn, tables["base"], params.level)
    figures["styles"] = summary.of_styles(drawn, params.level)
    figures["gap"] = {"style": summary.style_gap(drawn, params.level)}
    if "unprompted" in tables:
        silent = summary.differences(tables["unprompted"], drawn, params.level, summary.HEADLINES)
        figures["gap"]["prompt"] = silent
    table = pd.concat([tables[model] for model in MODELS], ignore_index=True).replace([np.inf, -np.inf], np.nan)
    table.to_csv(folder / TABLE, index=False, float_format="%.6g")
    summary.intervals(figures).to_csv(folder / INTERVALS, index=False)
    show(records, drawn, showable, folder, params.mosaic_rows)
    counts = {"images": len(records), "photos": len({record["id"] for record in records})}
    return counts | summary.numbers(figures) | {"left_out": absent}


def _scored(
    records: Sequence[dict], attributes: Path | None, batch_size: int
) -> tuple[dict[str, pd.DataFrame], dict[str, dict], dict[str, str]]:
    """By set a table of the images' scores and distances of the whole set; and reasons why one is not there."""
    unprompted = [record for record in records if record.get("unprompted")]
    sets = {model: [record[model] for record in records] for model in MODELS}
    sets |= {"target": [record["photo"] for record in records], "shuffled": _shuffled(records)}
    found = _remembered(records, sets, attributes, batch_size)
    tables = {name: _with_identity(records, name, one["images"]) for name, one in found.items()}
    if unprompted:
        files = {"unprompted": [record["unprompted"] for record in unprompted]}
        silent = _remembered(unprompted, files, attributes, batch_size)["unprompted"]
        tables["unprompted"] = _with_identity(unprompted, "unprompted", silent["images"])
    distances = {name: one["distances"] for name, one in found.items()}
    return tables, distances, found["finetuned"]["reasons"]


def _remembered(
    records: Sequence[dict], sets: Mapping[str, Sequence[str]], attributes: Path | None, batch_size: int
) -> dict[str, dict]:
    """For each set its "images", "distances" and "reasons"; from the cache where the same images were scored."""
    facts = [[record.get(name) for name in FACTS] for record in records]
    theirs = [[cache.file_hash(record[name]) for name in IMAGES if record.get(name)] for record in records]
    made_by = [cache.code(__name__), scoring.available(attributes), batch_size, facts, theirs]
    keys = {name: ("scores", name, *made_by, list(map(_hash, files))) for name, files in sets.items()}
    found = {name: cache.recall(*key) for name, key in keys.items()}
    if missing := {name: files for name, files in sets.items() if found[name] is None}:
        scores, features = scoring.score(records, missing, scoring.load(attributes), batch_size)
        for name in missing:
            distances, reasons = _distances(name, features)
            images = scores[name].astype(float).to_dict("list")
            found[name] = cache.store({"images": images, "distances": distances, "reasons": reasons}, *keys[name])
    return found


def _hash(file: str) -> str:
    try:
        return cache.file_hash(file)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: run the stage that writes it again (dvc repro does).") from None


def _distances(name: str, features: dict[str, dict[str, np.ndarray]]) -> tuple[dict, dict[str, str]]:
    """Distances between all images of a set and all photos, by metric, and why some are not there.

    Of the photos themselves, kernel distances between two halves of them: zero but for chance.
    """
    found, reasons = {}, {}
    for network, photos in features["photos"].items():
        drawn = features[name][network]
        try:
            if network == "clip" and name in MODELS:
                distributions.check_features("cmmd", drawn, photos)
                found["cmmd"] = distributions.cmmd(drawn, photos)
            elif name in MODELS:
                found |= distributions.frechet_and_kernel_distance(network, drawn, photos)
            elif name == "target" and network != "clip":
                kernel = distributions.METRICS_OF_NETWORK[network][1]
                distributions.check_features(kernel, photos[::2], photos[1::2])
                found[kernel] = distributions.kernel_distance(photos[::2], photos[1::2])
        except UserError as error:
            reasons |= dict.fromkeys(distributions.METRICS_OF_NETWORK.get(network, ("cmmd",)), str(error))
    return found, reasons


def _shuffled(records: Sequence[dict]) -> list[str]:
    """For every record the photo of the next one that has another photo."""
    photos = {record["id"]: record["photo"] for record in records}
    following = dict(zip(photos, [*list(photos)[1:], next(iter(photos))], strict=True))
    return [photos[following[record["id"]]] for record in records]


def _with_identity(records: Sequence[dict], name: str, images: Mapping[str, list[float]]) -> pd.DataFrame:
    identity = pd.DataFrame([{column: (one | {"model": name}).get(column) for column in IDENTITY} for one in records])
    return pd.concat([identity, pd.DataFrame(images)], axis=1)
