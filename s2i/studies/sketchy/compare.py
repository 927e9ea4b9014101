"""How the variants of a study differ: how far from a reference and each other, whose classes can be told."""

import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

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
from s2i.metrics.intervals import bootstrap
from s2i.networks import efficientnet, probes
from s2i.networks.inception import fid_inception
from s2i.studies.sketchy import items, report
from s2i.vocabulary.attributes import label_in_words

REFERENCE, OTHERS = "reference", "other references"
SIMILARITY = "similarity_efficientnet_lite0"
BATCH = 32


def compare(rows: Sequence[dict], drawn: Path, training: Path, mosaics: Path, folder: Path, params: Params) -> dict:
    """The figures of metrics/sketchy.json; tables and plots go into ``folder``, mosaics into ``mosaics``.

    rows: the study's records.  drawn: a folder for each variant, as `generate` writes it, and training as `train` does:
    what several subjects in turn made of the earlier ones comes from there.
    {"items": their number, "variants": {variant: {metric: number}}, "failed": {variant: why}}; intervals are in
    table.csv.  Beside the variants stands the reference's training half: as near as another sample of the same comes.
    Raises UserError when no variant drew anything.
    """
    of, level = params.study.reference, params.evaluate.level
    wanted = [row for row in rows if row["split"] == "test"]
    found, failed = _variants(wanted, drawn, list(params.variants))
    others = items.images([row for row in rows if row["split"] == "train"], of)
    if unseen := sorted({row.get("label", "") for row in wanted} - {label for label, _ in others}):
        warnings.warn(f"no training {of} is of class {', '.join(unseen)}: the probe cannot tell it.", stacklevel=2)
    files = {REFERENCE: [row[of] for row in wanted], OTHERS: [file for _, file in others]} | found
    images = {name: [io.read(Path(file)) for file in each] for name, each in files.items()}
    probed = {name: probes.features(each) for name, each in images.items()}
    features = {
        "efficientnet_lite0": {name: one[:, : efficientnet.CHANNELS].double().numpy() for name, one in probed.items()}
    }
    if inception := fid_inception():
        features["inception"] = {name: _features(each, inception) for name, each in images.items()}
    figures, pairs = {name: {} for name in list(files)[1:]}, {}
    for network, sets in features.items():
        distance, kernel = distributions.METRICS_OF_NETWORK[network]
        pairs[distance] = _pairwise(sets)
        for name, values in figures.items():
            values[distance] = frechet_interval(sets[name], sets[REFERENCE], level)
            values[kernel] = distributions.kernel_distance(sets[name], sets[REFERENCE])
    imaged = _per_image(wanted, {name: probed[name] for name in (REFERENCE, *found)}, rows, of)
    for name, scores in imaged.groupby("variant", sort=False):
        for metric in (SIMILARITY, "label_accuracy"):
            figures.setdefault(name, {})[metric] = bootstrap(scores[metric], list(scores["id"]), level=level)
    found_out = {"items": len(wanted), "variants": figures, "failed": failed}
    imaged.to_csv(folder / "per_image.csv", index=False)
    report.write(found_out, imaged, pairs, folder, params)
    _forgetting(training, list(found), folder)
    report.draw(wanted, {name: images[name] for name in found}, mosaics, folder, params.study.grids)
    return found_out | {"variants": summary.numbers(figures)}


def _variants(wanted: Sequence[dict], drawn: Path, names: Sequence[str]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """{variant: its images, as the items are ordered}, and of those that have none {variant: why}."""
    found, failed = {}, {}
    for name in names:
        if (drawn / name / FAILED).exists():
            failed[name] = (drawn / name / FAILED).read_text(encoding="utf-8")
            continue
        images = {(row["id"], row["variant"]): row["finetuned"] for row in Records(drawn / name)}
        missing = [row for row in wanted if (row["id"], row["variant"]) not in images]
        if missing:
            failed[name] = f"{len(missing)} of {len(wanted)} items were not drawn: run dvc repro."
        else:
            found[name] = [images[row["id"], row["variant"]] for row in wanted]
    if not found:
        raise UserError(f"no variant drew anything: {'; '.join(f'{name}: {why}' for name, why in failed.items())}")
    return found, failed


def _forgetting(training: Path, names: Sequence[str], folder: Path) -> None:
    """The curves of the variants that learned several subjects in turn, copied to the study's figures."""
    for name in names:
        table = training / name / "plots/forgetting.csv"
        if table.exists() and pd.read_csv(table)["after"].nunique() > 1:
            shutil.copyfile(table, folder / f"forgetting-{name}.csv")
            shutil.copyfile(table.with_name("images") / "forgetting.png", folder / f"forgetting-{name}.png")


def _features(images: Sequence[np.ndarray], network) -> np.ndarray:
    return distributions.features(tensors.to_unit_range(tensors.stack(images)).split(BATCH), network)


def _pairwise(features: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The distance of every set to every other."""
    values = [[frechet_distance_of_few(a, b) for b in features.values()] for a in features.values()]
    return pd.DataFrame(values, index=list(features), columns=list(features)).clip(lower=0)


def _per_image(
    wanted: Sequence[dict], probed: Mapping[str, torch.Tensor], rows: Sequence[dict], of: str
) -> pd.DataFrame:
    """Of each image of each set whether a probe tells its class, and how like the references of its class it is.

    A reference is not compared with itself.
    """
    probe = items.fit_probe(rows, of)
    labels = np.array([row.get("label", "") for row in wanted])
    ids, looks = (
        np.array([row["id"] for row in wanted]),
        {name: one[:, : efficientnet.CHANNELS].numpy() for name, one in probed.items()},
    )
    tables = []
    for name, seen in probed.items():
        said = [guess[items.CLASS] for guess in probe.predict(seen)]
        told = [guess == label_in_words(label).lower() for guess, label in zip(said, labels, strict=True)]
        alike = np.empty(len(wanted))
        for place, label in enumerate(labels):
            same = (labels == label) & (ids != ids[place] if name == REFERENCE else True)
            references = looks[REFERENCE][same]
            alike[place] = similarity(looks[name][place : place + 1], references)[0] if len(references) else np.nan
        tables.append(
            pd.DataFrame(
                {"variant": name, "id": ids, "label": labels, "told": said, "label_accuracy": told, SIMILARITY: alike}
            )
        )
    return pd.concat(tables, ignore_index=True).astype({"label_accuracy": float})
