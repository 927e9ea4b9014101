"""Whether images are copies of training photos: which of these each is most like, beside the photo it should be."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from s2i.core import cache
from s2i.imaging import io, shapes, tensors
from s2i.imaging.mosaics import mosaic
from s2i.networks.efficientnet import efficientnet_lite0

BATCH = 32
ROWS = 10  # of nearest.jpg


class Nearest(NamedTuple):
    """Of each image: which training photo is nearest, and how much nearer it is than the image's own photo."""

    photo: list[int]  # its place among the training photos
    excess: list[float]  # of the cosine: above 0 the image is more like a training photo than like its own photo


def nearest(images: np.ndarray, own: np.ndarray, training: np.ndarray) -> Nearest:
    """Nearest training photos by the cosine of features: images and their own photos (N, D), training (2 T, D).

    training: the photos, then the same mirrored, as training mirrors them.
    """
    unit_images, unit_own, unit_training = (
        features / np.linalg.norm(features, axis=1, keepdims=True) for features in (images, own, training)
    )
    cosines = unit_images @ unit_training.T
    best = cosines.argmax(axis=1)
    excess = cosines.max(axis=1) - (unit_images * unit_own).sum(axis=1)
    return Nearest((best % (len(training) // 2)).tolist(), excess.tolist())


@torch.no_grad()
def training_features(photos: Sequence[str]) -> np.ndarray:
    """EfficientNet-Lite0's features of photos, then of the same mirrored, (2 T, 1280); cached photo by photo."""
    keys = {photo: ("training features", cache.code(__name__), cache.file_hash(photo)) for photo in photos}
    features = {photo: cache.recall(*key) for photo, key in keys.items()}
    new = [photo for photo in photos if features[photo] is None]
    for indices in shapes.equally_large([io.size(Path(photo)) for photo in new], BATCH):
        network = efficientnet_lite0()
        batch = [new[index] for index in indices]
        images = tensors.to_unit_range(tensors.stack([io.read(Path(photo)) for photo in batch]))
        pairs = torch.stack([network(images), network(images.flip(-1))], dim=1)
        for photo, pair in zip(batch, pairs.tolist(), strict=True):
            features[photo] = cache.store(pair, *keys[photo])
    both = np.array([features[photo] for photo in photos])
    return np.concatenate([both[:, 0], both[:, 1]])


def write_nearest(records: Sequence[Mapping], found: Nearest, training: Sequence[str], file: Path) -> None:
    """Write an image of the rows that are most like a training photo: sketch, fine-tuned, nearest, own photo."""
    rows = np.argsort(-np.array(found.excess), kind="stable")[:ROWS]
    chosen = [records[row] for row in rows]
    columns = {
        "sketch": [io.read_grey(Path(record["sketch"])) for record in chosen],
        "fine-tuned": [io.read(Path(record["finetuned"])) for record in chosen],
        "nearest training photo": [io.read(Path(training[found.photo[row]])) for row in rows],
        "target": [io.read(Path(record["photo"])) for record in chosen],
    }
    io.write_jpg(file, mosaic(columns))
