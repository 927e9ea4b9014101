"""How much images of one sketch differ from seed to seed, and whether they still show the sketch equally well."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import torch

from s2i.core import cache
from s2i.imaging import io, tensors
from s2i.metrics import perceptual
from s2i.metrics.intervals import mean_interval
from s2i.metrics.perceptual import PerceptualDistance
from s2i.metrics.structure import edge_f1
from s2i.networks import lpips

EQUAL_EDGES = 0.05  # edge_f1 of the seeds is called equal where it spreads by at most this share of its mean


def diversity(records: Sequence[dict], level: float) -> dict[str, dict[str, float]]:
    """{metric: {"mean", "low", "high"}} over the records with ``other_seeds``; {} where there are none.

    "lpips" (where it cannot be had "st_lpips"): the mean distance of two images of a sketch.  "edge_f1_spread": the
    largest less the smallest edge_f1 of the seeds, as a share of their mean.  "equal_edges": the share of the sketches
    where this is at most `EQUAL_EDGES`: only what differs there is variety, and not a sketch that is followed less.
    """
    drawn_again = [record for record in records if record.get("other_seeds")]
    if not drawn_again:
        return {}
    distance = "st_lpips" if lpips.absence("alex") else "lpips"
    files = [[record["photo"], *_images(record)] for record in drawn_again]
    key = "diversity", cache.code(__name__), distance, [[cache.file_hash(file) for file in row] for row in files]
    measured = cache.remember(lambda: _measure(drawn_again, distance), *key)
    columns = {distance: measured["distances"], "edge_f1_spread": measured["spreads"]}
    columns["equal_edges"] = [spread <= EQUAL_EDGES for spread in measured["spreads"]]
    groups = [record.get("group") or record["id"] for record in drawn_again]
    return {metric: mean_interval(values, groups, level) for metric, values in columns.items()}


def _images(record: dict) -> list[str]:
    return [record["finetuned"], *record["other_seeds"]]


def _measure(records: Sequence[dict], distance: str) -> dict[str, list[float]]:
    """The mean distance of two images of each record, and how much their edge_f1 spreads."""
    network = perceptual.available()[distance]
    distances, spreads = [], []
    for record in records:
        images, photo = [io.read(Path(file)) for file in _images(record)], io.read(Path(record["photo"]))
        agreements = [edge_f1(image, photo) for image in images]
        mean = float(np.mean(agreements))
        spreads.append((max(agreements) - min(agreements)) / mean if mean else 0.0)
        distances.append(mean_pairwise(images, network))
    return {"distances": distances, "spreads": spreads}


@torch.no_grad()
def mean_pairwise(images: Sequence[np.ndarray], distance: PerceptualDistance) -> float:
    """The mean distance of two of the images (H, W, 3) uint8."""
    maps = distance.features(tensors.to_unit_range(tensors.stack(images)))
    first, second = (list(indices) for indices in zip(*combinations(range(len(images)), 2), strict=True))
    return float(distance.between([one[first] for one in maps], [one[second] for one in maps]).mean())
