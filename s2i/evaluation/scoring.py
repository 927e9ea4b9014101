"""Every metric of sets of images, in one pass: each image is opened once and each network looks at it once."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.core.parallel import chunked
from s2i.dataset.sketching import sketches
from s2i.dataset.sketching.styles import STYLES
from s2i.imaging import io, tensors, wall_colors
from s2i.metrics import embeddings, perceptual, pixels
from s2i.metrics.parts import RECALLED_PARTS, part_recall
from s2i.metrics.resketch import resketch_consistency
from s2i.metrics.structure import count_windows, edge_f1
from s2i.networks import clip, efficientnet, probes, weights
from s2i.networks.clip import Clip
from s2i.networks.inception import fid_inception
from s2i.networks.probes import Probes

NAN = float("nan")


class Networks(NamedTuple):
    """What can be had on this machine, and None for what cannot."""

    distances: dict[str, perceptual.PerceptualDistance]
    inception: Callable[[Tensor], Tensor] | None
    clip: Clip | None = None
    probed: Callable[[Sequence[np.ndarray]], Tensor] | None = None  # EfficientNet-Lite0, as the probes look
    probes: Probes | None = None


class ImageFeatures(NamedTuple):
    """What the networks see in a batch: feature maps by distance, features (B, D) by network, the material of each."""

    maps: dict[str, list[Tensor]]
    features: dict[str, Tensor]
    materials: list[str | None]


class Reference(NamedTuple):
    """What the images of a record are compared with; None is what is not known."""

    record: dict
    photo: np.ndarray
    rectangles: int
    sketch: np.ndarray | None  # of a style that an image can be sketched in again
    matte: np.ndarray | None
    labels: np.ndarray | None


def available(attributes: Path | None) -> list:
    """What identifies the networks that `load` would give, for the keys of the cache."""
    trunks = [name for name, (_, trunk) in perceptual.LPIPS_VARIANTS.items() if weights.hub_path(trunk)]
    reader = cache.file_hash(attributes) if attributes and attributes.exists() else None
    seeing = clip.folder()
    return [trunks, bool(weights.hub_path(weights.FID_INCEPTION)), seeing and cache.model_hash(seeing), reader]


def load(attributes: Path | None) -> Networks:
    """Every network that can be had; attributes: the probes that read a material off an image."""
    reader = Probes.load(attributes) if attributes and attributes.exists() else None
    return Networks(perceptual.available(), fid_inception(), clip.load(), probes.features, reader)


def score(
    records: Sequence[dict], sets: Mapping[str, Sequence[str]], networks: Networks, batch_size: int
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, np.ndarray]]]:
    """For each set a table of the metrics of its images, NaN where there is nothing to compare with, and features.

    sets: for each name one image file a record, to be compared with the record's photo, sketch and truth.
    Features are arrays (N, D) by set and network; those of the set "photos" have each photo once.
    Raises UserError when an image is missing or not as large as its photo.
    """
    rows: dict[str, list[dict]] = {name: [] for name in sets}
    features: dict[str, list[dict]] = {name: [] for name in (*sets, "photos")}
    scored: set[str] = set()  # photos
    with tqdm(total=len(records) * len(sets), desc="scoring", unit="image") as bar:
        for batch in chunked(range(len(records)), batch_size):
            photos = {records[place]["photo"]: _read(records[place]["photo"]) for place in batch}
            seen = look(list(photos.values()), networks)
            new = [place for place, file in enumerate(photos) if file not in scored]
            features["photos"].append({name: rows_of[new] for name, rows_of in seen.features.items()})
            scored.update(photos)
            targets = [_target(records[place], photos[records[place]["photo"]]) for place in batch]
            theirs = [list(photos).index(target.record["photo"]) for target in targets]
            for name, files in sets.items():
                images = [_drawn(files[place], target) for place, target in zip(batch, targets, strict=True)]
                drawn = look(images, networks)
                judged = _by_networks(drawn, seen, theirs, targets, networks)
                by_hand = map(_by_hand, images, targets)
                rows[name] += [one | more for one, more in zip(judged, by_hand, strict=True)]
                features[name].append(drawn.features)
                bar.update(len(images))
    tables = {name: pd.DataFrame(of_set) for name, of_set in rows.items()}
    return tables, {name: _joined(parts) for name, parts in features.items()}


@torch.no_grad()
def look(images: Sequence[np.ndarray], networks: Networks) -> ImageFeatures:
    """What every network sees in images (H, W, 3) uint8, equally large."""
    batch = tensors.to_unit_range(tensors.stack(images))
    features, materials = {}, [None] * len(images)
    if networks.probed:
        probed = networks.probed(images)
        features["efficientnet_lite0"] = probed[:, : efficientnet.CHANNELS]
        if networks.probes:
            materials = [one.get("material") for one in networks.probes.predict(probed)]
    if networks.inception:
        features["inception"] = networks.inception(batch)
    if networks.clip:
        features["clip"] = networks.clip.embed_images(batch)
    maps = {name: distance.features(batch) for name, distance in networks.distances.items()}
    return ImageFeatures(maps, features, materials)


def _read(file: str) -> np.ndarray:
    try:
        return io.read(file)
    except FileNotFoundError:
        raise UserError(f"{file} is missing: run the stage that writes it again (dvc repro does).") from None


def _drawn(file: str, target: Reference) -> np.ndarray:
    image = _read(file)
    if image.shape != target.photo.shape:
        sizes = [f"{one.shape[1]} x {one.shape[0]}" for one in (image, target.photo)]
        raise UserError(
            f"{file} is {sizes[0]} and its photo {target.record['photo']} {sizes[1]}: draw it in the photo's size."
        )
    return image


def _target(record: dict, photo: np.ndarray) -> Reference:
    """What is known of a record, read once for all the images drawn of it."""
    matte = record.get("truth_matte") or record.get("matte")
    return Reference(
        record,
        photo,
        count_windows(photo),
        io.read_grey(record["sketch"]) if record["sketch_style"] in STYLES else None,
        io.read_grey(matte) if matte else None,
        io.read_labels(record["truth_labels"]) if record.get("truth_labels") else None,
    )


def _by_networks(
    drawn: ImageFeatures, photos: ImageFeatures, theirs: list[int], targets: Sequence[Reference], networks: Networks
) -> list[dict[str, float]]:
    """What networks say of each image; theirs: where its photo stands among the photos."""
    nowhere = np.zeros(targets[0].photo.shape[:2], np.uint8)
    mattes = np.stack([nowhere if target.matte is None else target.matte for target in targets])
    weights = torch.from_numpy(mattes)[:, None].float() / 255
    found = {}
    for name, distance in networks.distances.items():
        maps = [one[theirs] for one in photos.maps[name]]
        found[name] = distance.between(drawn.maps[name], maps).tolist()
        found[f"{name}_matte"] = distance.between(drawn.maps[name], maps, weights).tolist()
    if networks.clip:
        texts = networks.clip.embed_texts([target.record["prompt"] for target in targets])
        said = [bool(target.record["prompt"]) for target in targets]
        scores = embeddings.clip_score(drawn.features["clip"], texts).tolist()
        found["clip_score"] = [one if there else NAN for one, there in zip(scores, said, strict=True)]
    if networks.probes:
        known = networks.probes.probes["material"].values
        wanted = [_described(target, "material") for target in targets]
        pairs = zip(drawn.materials, wanted, strict=True)
        found["material_match"] = [float(one == other) if other in known else NAN for one, other in pairs]
    return [dict(zip(found, values, strict=True)) for values in zip(*found.values(), strict=True)]


def _by_hand(image: np.ndarray, target: Reference) -> dict[str, float]:
    """What needs no network: pixels, edges, counts, parts, colour."""
    photo, record = target.photo, target.record
    rectangles = count_windows(image)
    found = {
        "ssim": pixels.ssim(image, photo),
        "psnr": pixels.psnr(image, photo),
        "edge_f1": edge_f1(image, photo),
        "rectangle_error": abs(rectangles - target.rectangles),
    }
    if target.matte is not None:
        found["ssim_matte"] = pixels.ssim(image, photo, target.matte)
        found["psnr_matte"] = pixels.psnr(image, photo, target.matte)
    if target.sketch is not None:
        again = sketches.draw_sketch(image, record["sketch_style"], record["id"])
        found |= resketch_consistency(again, target.sketch)
    if record.get("windows") is not None:
        found["window_count_error"] = abs(rectangles - record["windows"])
    if target.labels is not None:
        found |= {f"{part}_recall": part_recall(image, photo, target.labels, part) for part in RECALLED_PARTS}
    color = _described(target, "color")
    if color in wall_colors.PALETTE:
        found["color_match"] = float(wall_colors.dominant_color(image, target.matte) == color)
    return found


def _described(target: Reference, part: str) -> str | None:
    return (target.record.get("described") or {}).get(part)


def _joined(parts: Sequence[dict[str, Tensor]]) -> dict[str, np.ndarray]:
    return {name: torch.cat([part[name] for part in parts]).double().numpy() for name in parts[0]}
