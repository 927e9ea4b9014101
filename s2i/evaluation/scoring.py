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
from s2i.dataset.sketching import sketches
from s2i.dataset.sketching.styles import TRACED
from s2i.evaluation import reading
from s2i.imaging import io, shapes, tensors, wall_colors
from s2i.metrics import embeddings, perceptual, pixels
from s2i.metrics.parts import RECALLED_PARTS, part_recall
from s2i.metrics.resketch import resketch_consistency
from s2i.metrics.sharpness import band_power_ratios, sharpness
from s2i.metrics.structure import count_windows, edge_f1
from s2i.networks import clip, efficientnet, lpips, probes, weights
from s2i.networks.clip import Clip
from s2i.networks.inception import fid_inception
from s2i.networks.probes import Probes

NAN = float("nan")
OTHER_PHOTOS = "shuffled"  # the set of images that are of other photos, whose shapes may differ


class Networks(NamedTuple):
    """What can be had on this machine, and None for what cannot."""

    distances: dict[str, perceptual.PerceptualDistance]
    inception: Callable[[Tensor], Tensor] | None
    clip: Clip | None = None
    probe_inputs: Callable[[Sequence[np.ndarray]], Tensor] | None = None  # EfficientNet-Lite0, as the probes look
    probes: Probes | None = None


class ImageFeatures(NamedTuple):
    """What the networks see in a batch: feature maps by distance, features (B, D) by network, the material of each."""

    maps: dict[str, list[Tensor]]
    features: dict[str, Tensor]
    materials: Sequence[str | bool | None]

    def repeated(self, indices: Sequence[int]) -> "ImageFeatures":
        """What they see where the images stand at ``indices``, some of them maybe several times."""
        chosen = list(indices)
        if chosen == list(range(len(self.materials))):
            return self
        return ImageFeatures(
            {name: [feature_map[chosen] for feature_map in maps] for name, maps in self.maps.items()},
            {name: values[chosen] for name, values in self.features.items()},
            [self.materials[index] for index in chosen],
        )


class Reference(NamedTuple):
    """What the images of a record are compared with; None is what is not known."""

    record: dict
    photo: np.ndarray
    rectangles: int
    sketch: np.ndarray | None  # of a style that an image can be sketched in again
    matte: np.ndarray | None
    labels: np.ndarray | None

    def described(self, part: str) -> str | None:
        """What the record's description says of a part, such as its "material"."""
        return (self.record.get("described") or {}).get(part)


def available(attributes: Path | None) -> list:
    """What identifies the networks that `load` would give, for the keys of the cache."""
    trunks = [name for name, net in perceptual.LPIPS_VARIANTS.items() if not lpips.absence(net)]
    probes_hash = cache.file_hash(attributes) if attributes and attributes.exists() else None
    clip_folder = clip.folder()
    clip_hash = clip_folder and cache.model_hash(clip_folder)
    return [trunks, bool(weights.hub_path(weights.FID_INCEPTION)), clip_hash, probes_hash]


def load(attributes: Path | None) -> Networks:
    """Every network that can be had; attributes: the probes that read a material off an image."""
    material_probes = Probes.load(attributes) if attributes and attributes.exists() else None
    return Networks(perceptual.available(), fid_inception(), clip.load(), probes.features, material_probes)


def score(
    records: Sequence[dict], sets: Mapping[str, Sequence[str]], networks: Networks, batch_size: int
) -> tuple[dict[str, pd.DataFrame], dict[str, dict[str, np.ndarray]]]:
    """For each set a table of the metrics of its images, NaN where there is nothing to compare with, and features.

    sets: for each name one image file a record, to be compared with the record's photo, sketch and truth.
    Features are arrays (N, D) by set and network; those of the set "photos" have each photo once.
    Raises UserError when an image is missing or not as large as its photo.
    """
    scores: dict[str, list[dict[str, float]]] = {name: [] for name in sets}
    features: dict[str, list[dict[str, Tensor]]] = {name: [] for name in (*sets, "photos")}
    order: list[int] = []
    scored_photos: dict[str, int] = {}  # and where the features of each stand
    with tqdm(total=len(records) * len(sets), desc="scoring", unit="image") as bar:
        for indices in shapes.equally_large([reading.size(record["photo"]) for record in records], batch_size):
            batch = [records[index] for index in indices]
            photos = {record["photo"]: reading.read(record["photo"]) for record in batch}
            photo_index = [list(photos).index(record["photo"]) for record in batch]
            photo_features = look(list(photos.values()), networks)
            new = [index for index, file in enumerate(photos) if file not in scored_photos]
            features["photos"].append({name: values[new] for name, values in photo_features.features.items()})
            for file in photos:
                scored_photos.setdefault(file, len(scored_photos))
            order += indices
            references = [_reference(record, photos[record["photo"]]) for record in batch]
            for name, files in sets.items():
                chosen = [files[index] for index in indices]
                read = reading.read_fitted if name == OTHER_PHOTOS else reading.read_alike
                of_photos = [record["photo"] for record in batch]
                images = dict(zip(chosen, map(read, chosen, of_photos), strict=True))
                looked_at = photo_features if list(images) == list(photos) else look(list(images.values()), networks)
                image_features = looked_at.repeated([list(images).index(file) for file in chosen])
                by_networks = network_scores(image_features, photo_features, photo_index, references, networks)
                by_pixels = map(pixel_scores, [images[file] for file in chosen], references)
                scores[name] += [first | second for first, second in zip(by_networks, by_pixels, strict=True)]
                features[name].append(image_features.features)
                bar.update(len(chosen))
    by_record = np.argsort(order)  # photos of other sizes were scored in other batches
    tables = {name: pd.DataFrame(rows).iloc[by_record].reset_index(drop=True) for name, rows in scores.items()}
    first_seen = list(dict.fromkeys(record["photo"] for record in records))
    by_photo = [scored_photos[photo] for photo in first_seen]
    return tables, {
        name: _concatenated(batches, by_photo if name == "photos" else by_record) for name, batches in features.items()
    }


@torch.no_grad()
def look(images: Sequence[np.ndarray], networks: Networks) -> ImageFeatures:
    """What every network sees in images (H, W, 3) uint8, equally large."""
    batch = tensors.to_unit_range(tensors.stack(images))
    features: dict[str, Tensor] = {}
    materials: Sequence[str | bool | None] = [None] * len(images)
    if networks.probe_inputs:
        inputs = networks.probe_inputs(images)
        features["efficientnet_lite0"] = inputs[:, : efficientnet.CHANNELS]
        if networks.probes:
            materials = [attributes.get("material") for attributes in networks.probes.predict(inputs)]
    if networks.inception:
        features["inception"] = networks.inception(batch)
    if networks.clip:
        features["clip"] = networks.clip.embed_images(batch)
    maps = {name: distance.features(batch) for name, distance in networks.distances.items()}
    return ImageFeatures(maps, features, materials)


def network_scores(
    generated: ImageFeatures,
    photos: ImageFeatures,
    photo_index: Sequence[int],
    references: Sequence[Reference],
    networks: Networks,
) -> list[dict[str, float]]:
    """The metrics of each image that need networks; photo_index: which of the photos each image is of."""
    blank = np.zeros(references[0].photo.shape[:2], np.uint8)
    mattes = np.stack([blank if reference.matte is None else reference.matte for reference in references])
    weight = torch.from_numpy(mattes)[:, None].float() / 255
    scores: dict[str, list[float]] = {}
    for name, distance in networks.distances.items():
        target = [maps[photo_index] for maps in photos.maps[name]]
        scores[name] = distance.between(generated.maps[name], target).tolist()
        scores[f"{name}_matte"] = distance.between(generated.maps[name], target, weight).tolist()
    if networks.clip:
        prompts = [reference.record["prompt"] for reference in references]
        fits = embeddings.clip_score(generated.features["clip"], networks.clip.embed_texts(prompts)).tolist()
        scores["clip_score"] = [fit if prompt else NAN for fit, prompt in zip(fits, prompts, strict=True)]
    if networks.probes:
        known = networks.probes.probes["material"].values
        pairs = zip(generated.materials, [reference.described("material") for reference in references], strict=True)
        scores["material_match"] = [float(read == truth) if truth in known else NAN for read, truth in pairs]
    return [dict(zip(scores, row, strict=True)) for row in zip(*scores.values(), strict=True)]


def pixel_scores(image: np.ndarray, reference: Reference) -> dict[str, float]:
    """The metrics of an image that need no network: pixels, edges, counts, parts, colour."""
    photo, record = reference.photo, reference.record
    rectangles = count_windows(image)
    scores = {
        "ssim": pixels.ssim(image, photo),
        "psnr": pixels.psnr(image, photo),
        "sharpness": sharpness(image, photo),
        **band_power_ratios(image, photo),
        "edge_f1": edge_f1(image, photo),
        "rectangle_error": abs(rectangles - reference.rectangles),
    }
    if reference.matte is not None:
        scores["ssim_matte"] = pixels.ssim(image, photo, reference.matte)
        scores["psnr_matte"] = pixels.psnr(image, photo, reference.matte)
    if reference.sketch is not None:
        resketched = sketches.draw_sketch(image, record["sketch_style"], record["id"])
        scores |= resketch_consistency(resketched, reference.sketch)
    if record.get("windows") is not None:
        scores["window_count_error"] = abs(rectangles - record["windows"])
    if reference.labels is not None:
        scores |= {f"{part}_recall": part_recall(image, photo, reference.labels, part) for part in RECALLED_PARTS}
    color = reference.described("color")
    if color in wall_colors.PALETTE:
        scores["color_match"] = float(wall_colors.dominant_color(image, reference.matte) == color)
    return scores


def _reference(record: dict, photo: np.ndarray) -> Reference:
    """What is known of a record, read once for all the images drawn of it."""
    matte = record.get("truth_matte") or record.get("matte")
    return Reference(
        record,
        photo,
        count_windows(photo),
        io.read_grey(record["sketch"]) if record["sketch_style"] in TRACED else None,
        io.read_grey(matte) if matte else None,
        io.read_labels(record["truth_labels"]) if record.get("truth_labels") else None,
    )


def _concatenated(batches: Sequence[dict[str, Tensor]], order: Sequence[int] | np.ndarray) -> dict[str, np.ndarray]:
    """Arrays (N, D) by network of what was seen in batches, in another order."""
    return {name: torch.cat([batch[name] for batch in batches]).double().numpy()[order] for name in batches[0]}
