"""How the variants of a study differ: how far from a reference and each other, whose classes can be told."""

import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.core.records import Records
from s2i.core.stage import FAILED
from s2i.evaluation import summary
from s2i.imaging import io, tensors
from s2i.metrics import distributions
from s2i.metrics.distributions import frechet_distance_of_few, frechet_interval
from s2i.metrics.embeddings import similarity
from s2i.metrics.intervals import mean_interval
from s2i.metrics.kernel_distance import kernel_distance
from s2i.networks import efficientnet, probes
from s2i.networks.inception import fid_inception
from s2i.studies.sketchy import items, report
from s2i.vocabulary.attributes import label_in_words

REFERENCE, OTHER_REFERENCES = "reference", "other references"
SIMILARITY = "similarity_efficientnet_lite0"
BATCH = 32


def compare(
    records: Sequence[dict], generated: Path, training: Path, mosaics: Path, folder: Path, params: Params
) -> dict[str, Any]:
    """The figures of metrics/sketchy.json; tables and plots go into ``folder``, mosaics into ``mosaics``.

    generated: a folder for each variant, as `generate` writes it, and training as `train` does: what several subjects
    in turn made of the earlier ones comes from there.
    {"items": their number, "variants": {variant: {metric: number}}, "failed": {variant: why}}; intervals are in
    table.csv.  Beside the variants stands the reference's training half: as near as another sample of the same comes.
    Raises UserError when no variant generated anything.
    """
    kind = params.study.reference
    test_items = [record for record in records if record["split"] == "test"]
    variants, failed = _read_variants(test_items, generated, list(params.variants))
    others = items.images([record for record in records if record["split"] == "train"], kind)
    if unseen := sorted({item.get("label", "") for item in test_items} - {label for label, _ in others}):
        warnings.warn(f"no training {kind} is of class {', '.join(unseen)}: the probe cannot tell it.", stacklevel=2)
    references = {REFERENCE: [item[kind] for item in test_items], OTHER_REFERENCES: [file for _, file in others]}
    images = {name: [io.read(Path(file)) for file in files] for name, files in (references | variants).items()}
    probe_inputs = {name: probes.features(of_set) for name, of_set in images.items()}
    figures, pairwise = _distances(images, probe_inputs, params.evaluate.level)
    scored = {name: probe_inputs[name] for name in (REFERENCE, *variants)}
    scores = _score_images(test_items, scored, items.fit_probe(records, kind))
    for name, rows in scores.groupby("variant", sort=False):
        for metric in (SIMILARITY, "label_accuracy"):
            interval = mean_interval(rows[metric], list(rows["id"]), level=params.evaluate.level)
            figures.setdefault(str(name), {})[metric] = interval
    chance = 1 / len({item.get("label", "") for item in test_items})
    study = {"items": len(test_items), "chance": summary.rounded(chance), "variants": figures, "failed": failed}
    scores.to_csv(folder / "per_image.csv", index=False)
    report.write(study, scores, pairwise, folder, params)
    _copy_forgetting(training, list(variants), folder)
    report.write_mosaics(test_items, {name: images[name] for name in variants}, mosaics, folder, params.study.grids)
    return study | {"variants": summary.numbers(figures)}


def _read_variants(
    test_items: Sequence[dict], generated: Path, names: Sequence[str]
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """{variant: its image files, in the order of the items}, and of those that have none {variant: why}."""
    variants, failed = {}, {}
    for name in names:
        if (generated / name / FAILED).exists():
            failed[name] = (generated / name / FAILED).read_text(encoding="utf-8")
            continue
        files = {(record["id"], record["variant"]): record["finetuned"] for record in Records(generated / name)}
        keys = [(item["id"], item["variant"]) for item in test_items]
        if missing := [key for key in keys if key not in files]:
            failed[name] = f"{len(missing)} of {len(test_items)} items were not drawn: run dvc repro."
        else:
            variants[name] = [files[key] for key in keys]
    if not variants:
        raise UserError(f"no variant drew anything: {'; '.join(f'{name}: {why}' for name, why in failed.items())}")
    return variants, failed


def _distances(
    images: Mapping[str, Sequence[np.ndarray]], probe_inputs: Mapping[str, torch.Tensor], level: float
) -> tuple[dict[str, dict[str, Any]], dict[str, pd.DataFrame]]:
    """{set: {metric: figures}} of every set but the reference, and {metric: the distances of every two sets}."""
    pooled = {name: of_set[:, : efficientnet.CHANNELS].double().numpy() for name, of_set in probe_inputs.items()}
    features = {"efficientnet_lite0": pooled}
    if inception := fid_inception():
        features["inception"] = {name: _features(of_set, inception) for name, of_set in images.items()}
    figures: dict[str, dict[str, Any]] = {name: {} for name in images if name != REFERENCE}
    pairwise = {}
    for network, sets in features.items():
        distance, kernel = distributions.METRICS_OF_NETWORK[network]
        pairwise[distance] = _pairwise(sets)
        for name, values in figures.items():
            values[distance] = frechet_interval(sets[name], sets[REFERENCE], level)
            values[kernel] = kernel_distance(sets[name], sets[REFERENCE]).interval(level)
    return figures, pairwise


def _features(images: Sequence[np.ndarray], network: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
    return distributions.features(tensors.to_unit_range(tensors.stack(images)).split(BATCH), network)


def _pairwise(features: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The distance of every set to every other."""
    values = [[frechet_distance_of_few(a, b) for b in features.values()] for a in features.values()]
    return pd.DataFrame(values, index=list(features), columns=list(features)).clip(lower=0)


def _score_images(
    test_items: Sequence[dict], probe_inputs: Mapping[str, torch.Tensor], probe: probes.Probes
) -> pd.DataFrame:
    """Of each image of each set whether a probe tells its class, and how like the references of its class it is.

    A reference is not compared with itself.
    """
    labels = np.array([item.get("label", "") for item in test_items])
    ids = np.array([item["id"] for item in test_items])
    features = {name: of_set[:, : efficientnet.CHANNELS].numpy() for name, of_set in probe_inputs.items()}
    tables = []
    for name, inputs in probe_inputs.items():
        predicted = [prediction[items.CLASS] for prediction in probe.predict(inputs)]
        is_right = [guess == label_in_words(label).lower() for guess, label in zip(predicted, labels, strict=True)]
        similarities = np.empty(len(test_items))
        for index, label in enumerate(labels):
            of_class = (labels == label) & (ids != ids[index] if name == REFERENCE else True)
            references = features[REFERENCE][of_class]
            of_image = features[name][index : index + 1]
            similarities[index] = similarity(of_image, references)[0] if len(references) else np.nan
        columns = {"variant": name, "id": ids, "label": labels, "told": predicted}
        tables.append(pd.DataFrame(columns | {"label_accuracy": is_right, SIMILARITY: similarities}))
    return pd.concat(tables, ignore_index=True).astype({"label_accuracy": float})


def _copy_forgetting(training: Path, names: Sequence[str], folder: Path) -> None:
    """The curves of the variants that learned several subjects in turn, copied to the study's figures."""
    for name in names:
        table = training / name / "plots/forgetting.csv"
        if table.exists() and pd.read_csv(table)["after"].nunique() > 1:
            shutil.copyfile(table, folder / f"forgetting-{name}.csv")
            shutil.copyfile(table.with_name("images") / "forgetting.png", folder / f"forgetting-{name}.png")
