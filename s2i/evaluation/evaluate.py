"""Generated images against the photos their sketches were made of: a table, figures with intervals, and images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.parameters.fields import HELD_OUT_STYLES
from s2i.core.params import Evaluate
from s2i.evaluation import figures, scoring, summary
from s2i.metrics import distributions

MODELS = ("base", "finetuned")
SCORED_SETS = ("finetuned", "base", "target", "shuffled")
IDENTITY_COLUMNS = ("id", "variant", "sketch_style", "prompt", "generation_seed", "model")
TABLE_FILE, INTERVALS_FILE = "per_image.csv", "intervals.csv"
# What the scores of a record's images hang on: files, and what else stands in the record.
FILES_OF_RECORD = ("photo", "sketch", "truth_matte", "matte", "truth_labels")
FACTS_OF_RECORD = ("id", "sketch_style", "prompt", "windows", "described")


def evaluate(records: Sequence[dict], folder: Path, params: Evaluate, attributes: Path | None = None) -> dict[str, Any]:
    """The figures of metrics/evaluate.json; tables and images go into ``folder``.

    {SET: {metric: number}} for the sets "finetuned", "base" and, as a scale, "target", each photo in the place of what
    was generated of it, and "shuffled", another photo there; "gain": finetuned less base; "styles": headlines by style
    of the sketches; "gap": headlines of drawings that came along less made sketches ("style"), of sketches in styles
    that are never trained on less others ("new_style") where there are some, and without less with a prompt ("prompt")
    where some were generated so; "images" and "photos"; "left_out": what is not there, and why.
    ``intervals.csv`` has the intervals of all these; they resample photos, not images.
    attributes: probes that read a material off an image.  Raises UserError when images are missing or too small.
    """
    tables, distances, reasons = _score_sets(records, attributes, params.batch_size)
    sets = {name: summary.means(tables[name], params.level) | distances[name] for name in SCORED_SETS}
    finetuned = tables["finetuned"]
    results: dict[str, Any] = dict(sets)
    results["gain"] = summary.differences(finetuned, tables["base"], params.level)
    results["styles"] = summary.of_styles(finetuned, params.level)
    results["gap"] = {"style": summary.style_gap(finetuned, params.level)}
    if finetuned["sketch_style"].isin(HELD_OUT_STYLES).any():
        results["gap"]["new_style"] = summary.new_style_gap(finetuned, params.level)
    if "unprompted" in tables:
        prompt_gap = summary.differences(tables["unprompted"], finetuned, params.level, summary.BY_STYLE)
        results["gap"]["prompt"] = prompt_gap
    table = pd.concat([tables[model] for model in MODELS], ignore_index=True).replace([np.inf, -np.inf], np.nan)
    table.to_csv(folder / TABLE_FILE, index=False, float_format="%.6g")
    summary.intervals(results).to_csv(folder / INTERVALS_FILE, index=False)
    figures.write(records, finetuned, sets, folder, params.mosaic_rows)
    counts = {"images": len(records), "photos": len({record["id"] for record in records})}
    return counts | summary.numbers(results) | {"left_out": summary.left_out(sets, tables, reasons)}


def _score_sets(
    records: Sequence[dict], attributes: Path | None, batch_size: int
) -> tuple[dict[str, pd.DataFrame], dict[str, dict], dict[str, str]]:
    """By set a table of the images' scores and distances of the whole set; and reasons why one is not there."""
    files = {model: [record[model] for record in records] for model in MODELS}
    files |= {"target": [record["photo"] for record in records], "shuffled": _shuffled(records)}
    scores = _cached_scores(records, files, attributes, batch_size)
    tables = {name: _with_identity(records, name, of_set["images"]) for name, of_set in scores.items()}
    if unprompted := [record for record in records if record.get("unprompted")]:
        files = {"unprompted": [record["unprompted"] for record in unprompted]}
        of_set = _cached_scores(unprompted, files, attributes, batch_size)["unprompted"]
        tables["unprompted"] = _with_identity(unprompted, "unprompted", of_set["images"])
    distances = {name: of_set["distances"] for name, of_set in scores.items()}
    return tables, distances, scores["finetuned"]["reasons"]


def _cached_scores(
    records: Sequence[dict], sets: Mapping[str, Sequence[str]], attributes: Path | None, batch_size: int
) -> dict[str, dict]:
    """For each set its "images", "distances" and "reasons"; from the cache where the same images were scored."""
    facts = [[record.get(name) for name in FACTS_OF_RECORD] for record in records]
    hashes = [[cache.file_hash(record[name]) for name in FILES_OF_RECORD if record.get(name)] for record in records]
    common = [cache.code(__name__), scoring.available(attributes), batch_size, facts, hashes]
    keys = {name: (name, *common, list(map(_hash, files))) for name, files in sets.items()}
    scores = {name: cache.recall("scores", *key) for name, key in keys.items()}
    if missing := {name: files for name, files in sets.items() if scores[name] is None}:
        tables, features = scoring.score(records, missing, scoring.load(attributes), batch_size)
        for name in missing:
            distances, reasons = _distances(name, features)
            images = tables[name].astype(float).to_dict("list")
            of_set = {"images": images, "distances": distances, "reasons": reasons}
            scores[name] = cache.store(of_set, "scores", *keys[name])
    return scores


def _hash(file: str) -> str:
    try:
        return cache.file_hash(file)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: run the stage that writes it again (dvc repro does).") from None


def _distances(name: str, features: Mapping[str, Mapping[str, np.ndarray]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Distances between all images of a set and all photos, by metric, and why some are not there.

    Of the photos themselves, kernel distances between two halves of them: zero but for chance.
    """
    distances: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for network, photos in features["photos"].items():
        images = features[name][network]
        try:
            if network == "clip" and name in MODELS:
                distributions.check_features("cmmd", images, photos)
                distances["cmmd"] = distributions.cmmd(images, photos)
            elif name in MODELS:
                distances |= distributions.frechet_and_kernel_distance(network, images, photos)
            elif name == "target" and network != "clip":
                kernel = distributions.METRICS_OF_NETWORK[network][1]
                distributions.check_features(kernel, photos[::2], photos[1::2])
                distances[kernel] = distributions.kernel_distance(photos[::2], photos[1::2])
        except UserError as error:
            reasons |= dict.fromkeys(distributions.METRICS_OF_NETWORK.get(network, ("cmmd",)), str(error))
    return distances, reasons


def _shuffled(records: Sequence[dict]) -> list[str]:
    """For every record the photo of the next one that has another photo."""
    photos = {record["id"]: record["photo"] for record in records}
    following = dict(zip(photos, [*list(photos)[1:], next(iter(photos))], strict=True))
    return [photos[following[record["id"]]] for record in records]


def _with_identity(records: Sequence[dict], name: str, scores: Mapping[str, list[float]]) -> pd.DataFrame:
    """A table of scores, with the columns that say of each image what it is."""
    rows = [record | {"model": name} for record in records]
    identity = pd.DataFrame([{column: row.get(column) for column in IDENTITY_COLUMNS} for row in rows])
    return pd.concat([identity, pd.DataFrame(scores)], axis=1)
