"""Generated images against the photos their sketches were made of: a table, figures with intervals, and images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.parameters.fields import HELD_OUT_STYLES
from s2i.core.params import Evaluate
from s2i.evaluation import baselines, figures, memorisation, scoring, summary
from s2i.evaluation.diversity import diversity
from s2i.evaluation.memorisation import Nearest
from s2i.metrics import distributions
from s2i.metrics.kernel_distance import KernelDistance, kernel_distance

MODELS = ("base", "base_edges", "autoencoder", "finetuned")  # sets of images that were drawn, in columns of their own
TABLE_FILE, INTERVALS_FILE, JACKKNIFE_FILE = "per_image.csv", "intervals.csv", "leave_one_out.csv"
IDENTITY_COLUMNS = ("id", "group", "variant", "sketch_style", "prompt", "generation_seed", "model")
# What the scores of a record's images hang on: files, and what else stands in the record.
FILES_OF_RECORD = ("photo", "sketch", "truth_matte", "matte", "truth_labels")
FACTS_OF_RECORD = ("id", "group", "sketch_style", "prompt", "windows", "described")


class ScoredSet(NamedTuple):
    """A set of images: a row of scores an image, distances of all of them to the photos, why some are not there."""

    table: pd.DataFrame
    distances: dict[str, float]
    kernels: dict[str, KernelDistance]
    nearest: Nearest | None
    reasons: dict[str, str]

    def figures(self, level: float) -> dict[str, Any]:
        """{metric: its mean with an interval, or a number}."""
        kernels = {name: kernel.interval(level) for name, kernel in self.kernels.items()}
        return summary.means(self.table, level) | self.distances | kernels


def evaluate(
    records: Sequence[dict],
    folder: Path,
    params: Evaluate,
    attributes: Path | None = None,
    training: Sequence[str] = (),
) -> dict[str, Any]:
    """The figures of metrics/evaluate.json; tables and images go into ``folder``.

    {SET: {metric: number}} for the sets "finetuned"; "base", the untouched net on the sketches, and "base_edges", on
    their Canny edges; as a scale "autoencoder", the photos as the base's autoencoder gives them back, "target", each
    photo in the place of what was generated of it, and "shuffled", another photo there.  "gain": finetuned less the
    better of base and base_edges, "gain_over": less each; "styles": headlines by style of the sketches; "gap":
    headlines of drawings that came along less made sketches ("style"), of sketches in styles that are never trained on
    less others ("new_style") where there are some, and without less with a prompt ("prompt") where some were generated
    so; "diversity": of images of one sketch; "images" and "photos"; "left_out": what is not there, and why.
    ``intervals.csv`` has the intervals of all these, over photos or groups of photos, ``leave_one_out.csv`` the kernel
    distances without each of these.
    attributes: probes that read a material off an image.  training: the photos that were trained on, to find copies.
    Raises UserError when images are missing or too small.
    """
    scored = _score_sets(records, attributes, params.batch_size, training)
    unprompted = scored.pop("unprompted", None)
    tables = {name: of_set.table for name, of_set in scored.items()}
    kernels = {name: of_set.kernels for name, of_set in scored.items()}
    finetuned, level = scored["finetuned"], params.level
    sets = {name: of_set.figures(level) for name, of_set in scored.items()}
    results: dict[str, Any] = sets | baselines.gains(tables, kernels, level)
    results["styles"] = summary.of_styles(finetuned.table, level)
    results["gap"] = {"style": summary.style_gap(finetuned.table, level)}
    if finetuned.table["sketch_style"].isin(HELD_OUT_STYLES).any():
        results["gap"]["new_style"] = summary.new_style_gap(finetuned.table, level)
    if unprompted:
        results["gap"]["prompt"] = summary.differences(unprompted.table, finetuned.table, level, summary.BY_STYLE)
    results["diversity"] = diversity(records, level)
    drawn = [tables[model] for model in MODELS if model in tables]
    table = pd.concat(drawn, ignore_index=True).replace([np.inf, -np.inf], np.nan)
    table.to_csv(folder / TABLE_FILE, index=False, float_format="%.6g")
    summary.intervals(results).to_csv(folder / INTERVALS_FILE, index=False)
    summary.leave_one_out(kernels).to_csv(folder / JACKKNIFE_FILE, index=False)
    figures.write(records, finetuned.table, sets, folder, params.mosaic_rows)
    if finetuned.nearest:
        memorisation.write_nearest(records, finetuned.nearest, training, folder / "nearest.jpg")
    counts = {"images": len(records), "photos": len({record["id"] for record in records})}
    return counts | summary.numbers(results) | {"left_out": summary.left_out(sets, tables, finetuned.reasons)}


def _score_sets(
    records: Sequence[dict], attributes: Path | None, batch_size: int, training: Sequence[str]
) -> dict[str, ScoredSet]:
    """The scored sets by name, finetuned first, and "unprompted", which has some of the records alone."""
    models = [model for model in reversed(MODELS) if all(record.get(model) for record in records)]
    files = {model: [record[model] for record in records] for model in models}
    files |= {"target": [record["photo"] for record in records], "shuffled": _shuffled(records)}
    scored = _cached_scores(records, files, attributes, batch_size, training)
    if unprompted := [record for record in records if record.get("unprompted")]:
        files = {"unprompted": [record["unprompted"] for record in unprompted]}
        scored |= _cached_scores(unprompted, files, attributes, batch_size, ())
    return scored


def _cached_scores(
    records: Sequence[dict],
    sets: Mapping[str, Sequence[str]],
    attributes: Path | None,
    batch_size: int,
    training: Sequence[str],
) -> dict[str, ScoredSet]:
    """Each set scored; from the cache where the same images were scored."""
    facts = [[record.get(name) for name in FACTS_OF_RECORD] for record in records]
    hashes = [[cache.file_hash(record[name]) for name in FILES_OF_RECORD if record.get(name)] for record in records]
    common = [
        cache.code(__name__),
        scoring.available(attributes),
        batch_size,
        facts,
        hashes,
        list(map(_hash, training)),
    ]
    keys = {name: (name, *common, list(map(_hash, files))) for name, files in sets.items()}
    scores = {name: cache.recall("scores", *key) for name, key in keys.items()}
    if missing := {name: files for name, files in sets.items() if scores[name] is None}:
        tables, features = scoring.score(records, missing, scoring.load(attributes), batch_size)
        trained_on = memorisation.training_features(training) if training else None
        for name in missing:
            of_set: dict[str, Any] = dict(_distances(name, features, records))
            of_set["nearest"] = None
            if trained_on is not None and name != "target":
                of_set["nearest"] = memorisation.nearest(*_of_network(name, features, records), trained_on)
            of_set["images"] = tables[name].astype(float).to_dict("list")
            scores[name] = cache.store(of_set, "scores", *keys[name])
    return {name: _scored_set(name, of_set, records) for name, of_set in scores.items()}


def _scored_set(name: str, stored: Mapping[str, Any], records: Sequence[dict]) -> ScoredSet:
    """A set as it was stored, with the columns that say of each image what it is."""
    rows = [record | {"model": name, "group": record.get("group") or record["id"]} for record in records]
    identity = pd.DataFrame([{column: row.get(column) for column in IDENTITY_COLUMNS} for row in rows])
    table = pd.concat([identity, pd.DataFrame(stored["images"])], axis=1)
    nearest = Nearest(*stored["nearest"]) if stored["nearest"] else None
    if nearest:
        table["nearer_to_training"] = (np.array(nearest.excess) > 0).astype(float)
    kernels = {metric: KernelDistance(*kernel) for metric, kernel in stored["kernels"].items()}
    return ScoredSet(table, stored["distances"], kernels, nearest, stored["reasons"])


def _of_network(
    name: str, features: Mapping[str, Mapping[str, np.ndarray]], records: Sequence[dict]
) -> tuple[np.ndarray, np.ndarray]:
    """EfficientNet-Lite0's features of the images of a set and of their own photos, (N, 1280) each."""
    photos = list(dict.fromkeys(record["photo"] for record in records))
    own = [photos.index(record["photo"]) for record in records]
    return features[name]["efficientnet_lite0"], features["photos"]["efficientnet_lite0"][own]


def _hash(file: str) -> str:
    try:
        return cache.file_hash(file)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: run the stage that writes it again (dvc repro does).") from None


def _distances(
    name: str, features: Mapping[str, Mapping[str, np.ndarray]], records: Sequence[dict]
) -> dict[str, dict[str, Any]]:
    """{"distances", "kernels", "reasons"}: of all images of a set to all photos, by metric, or why some are not there.

    Of the photos themselves, kernel distances between two halves of them: zero but for chance.
    """
    distances: dict[str, float] = {}
    kernels: dict[str, KernelDistance] = {}
    reasons: dict[str, str] = {}
    groups = [record.get("group") or record["id"] for record in records]
    group_of_photo = list({record["photo"]: group for record, group in zip(records, groups, strict=True)}.values())
    for network, photos in features["photos"].items():
        images = features[name][network]
        try:
            if network == "clip" and name in MODELS:
                distributions.check_features("cmmd", images, photos)
                distances["cmmd"] = distributions.cmmd(images, photos)
            elif name in MODELS:
                frechet, kernel = distributions.METRICS_OF_NETWORK[network]
                distances[frechet] = distributions.checked_frechet_distance(network, images, photos)
                kernels[kernel] = kernel_distance(images, photos, groups, group_of_photo)
            elif name == "target" and network != "clip":
                kernel = distributions.METRICS_OF_NETWORK[network][1]
                halves = photos[::2], photos[1::2]
                distributions.check_features(kernel, *halves)
                kernels[kernel] = kernel_distance(*halves, group_of_photo[::2], group_of_photo[1::2])
        except UserError as error:
            reasons |= dict.fromkeys(distributions.METRICS_OF_NETWORK.get(network, ("cmmd",)), str(error))
    return {"distances": distances, "kernels": kernels, "reasons": reasons}


def _shuffled(records: Sequence[dict]) -> list[str]:
    """For every record the photo of the next one that has another photo."""
    photos = {record["id"]: record["photo"] for record in records}
    following = dict(zip(photos, [*list(photos)[1:], next(iter(photos))], strict=True))
    return [photos[following[record["id"]]] for record in records]
