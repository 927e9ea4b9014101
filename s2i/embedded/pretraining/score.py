"""How good the embedded base is, on renders it has not seen: metrics/base.json."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from diffusers import AutoencoderKL, AutoencoderTiny
from torch import Tensor

from s2i.core import devices
from s2i.diffusion import base
from s2i.embedded.pretraining.color_probe import fit_color_probe
from s2i.embedded.pretraining.curve import mean_edge_f1
from s2i.embedded.pretraining.drawing import draw
from s2i.embedded.pretraining.params import BaseParams
from s2i.embedded.pretraining.renders import arrays, read
from s2i.imaging import tensors
from s2i.imaging.edges import canny
from s2i.metrics.pixels import psnr
from s2i.metrics.sharpness import sharpness
from s2i.networks import lpips
from s2i.networks.probes import Probes, accuracy, features
from s2i.vocabulary import prompts

SHOWN = 12


class Scored(NamedTuple):
    """The figures of the base, and what its card shows of it."""

    figures: dict
    controlled: list[list[np.ndarray]]  # rows of Canny map, generated, decoded, render
    prompted: list[np.ndarray]  # images of text alone
    seeds: list[list[np.ndarray]]  # rows of one map generated from several seeds


def score(model: Path, corpus: Path, params: BaseParams) -> Scored:
    """The figures of the base on the held-out renders, which neither it nor the probes have seen.

    Colours are read by a probe fitted on the training renders.
    """
    settings, seed = params.score, params.seed
    known, known_table = read(corpus / "train")
    read_colors = fit_color_probe(arrays(known), known_table["color"].tolist())
    read_attributes = Probes.load(model / "attributes.safetensors")
    photos, table = read(corpus / "held_out")
    renders = arrays(photos)
    device, precision = devices.pick()
    pipeline = base.load(model, model / "controlnet", devices.DTYPES[precision]).to(device)
    text_only = base.load(model, None, devices.DTYPES[precision]).to(device)
    distance = _distance(lpips.load("alex", device), device)

    subjects = by_color(table, settings.prompted_images)
    prompted = draw(
        text_only, [text for _, text in subjects], range(seed, seed + len(subjects)), None, settings.sampling
    )
    maps = [canny(render) for render in renders[: settings.controlled_images]]
    texts = [prompts.plain(row) for row in table.head(len(maps)).to_dict("records")]
    generated = draw(pipeline, texts, range(len(maps)), maps, settings.sampling)
    targets = renders[: len(maps)]
    several = [
        draw(
            pipeline,
            [texts[row]] * settings.seeds,
            range(settings.seeds),
            [maps[row]] * settings.seeds,
            settings.sampling,
        )
        for row in range(settings.varied_images)
    ]
    vae = pipeline.vae.float()
    tiny = AutoencoderTiny.from_pretrained(model / "tiny_decoder").to(device)
    decoded = round_trip(vae, photos[: settings.autoencoder_images])
    truth = renders[: len(decoded)]
    figures = {
        **{f"autoencoder_{name}": value for name, value in agreement(decoded, truth, distance).items()},
        **{
            f"tiny_decoder_{name}": value
            for name, value in agreement(round_trip(vae, photos[: len(decoded)], tiny), truth, distance).items()
        },
        "canny_edge_f1": mean_edge_f1(generated, targets),
        "canny_edge_f1_shuffled": mean_edge_f1(generated, targets[1:] + targets[:1]),
        "canny_sharpness": _mean(sharpness, generated, targets),
        "canny_lpips": _mean(distance, generated, targets),
        "diversity_lpips": float(np.mean([_spread(images, distance) for images in several])),
        **_read_off(prompted, subjects, renders, table, read_colors, read_attributes),
        "images": {
            "autoencoder": len(decoded),
            "prompted": len(prompted),
            "controlled": len(generated),
            "seeds": f"{settings.varied_images} x {settings.seeds}",
            "renders": len(renders),
        },
    }
    rows = [list(row) for row in zip(maps, generated, decoded, targets, strict=False)][:SHOWN]
    return Scored(figures, rows, prompted, several)


def _read_off(
    prompted: Sequence[np.ndarray],
    subjects: Sequence[tuple[dict, str]],
    renders: Sequence[np.ndarray],
    table: pd.DataFrame,
    read_colors: Callable[[Sequence[np.ndarray]], list[str]],
    read_attributes: Probes,
) -> dict:
    """Whether images show the colour and material of their prompts, beside what the probes read off the renders."""
    truth = table.to_dict("records")
    of_renders = accuracy(read_attributes.predict(features(renders)), truth)
    wanted = [row for row, _ in subjects]
    of_prompted = accuracy(read_attributes.predict(features(prompted)), wanted)
    colors = np.array(read_colors(renders)) == table["color"].to_numpy()
    prompted_colors = np.array(read_colors(prompted)) == np.array([row["color"] for row in wanted])
    return {
        "attribute_accuracy": of_renders,
        "color_accuracy": float(colors.mean()),
        "prompted_color_accuracy": float(prompted_colors.mean()),
        "prompted_material_accuracy": of_prompted["material"],
        "color_chance": 1 / table["color"].nunique(),
        "material_chance": 1 / table["material"].nunique(),
        "colors": sorted(table["color"].unique()),
    }


def by_color(table: pd.DataFrame, count: int) -> list[tuple[dict, str]]:
    """Colours in turn, each with a held-out render that has it and its caption: (row, prompt)."""
    groups = [group.to_dict("records") for _, group in table.groupby("color")]
    rows = [groups[index % len(groups)] for index in range(count)]
    picked = [group[index // len(groups) % len(group)] for index, group in enumerate(rows)]
    return [(row, prompts.plain(row)) for row in picked]


def agreement(
    decoded: Sequence[np.ndarray], targets: Sequence[np.ndarray], distance: Callable[[np.ndarray, np.ndarray], float]
) -> dict[str, float]:
    """Sharpness, LPIPS and PSNR of decoded images against the originals, means over images."""
    return {
        "sharpness": _mean(sharpness, decoded, targets),
        "lpips": _mean(distance, decoded, targets),
        "psnr": _mean(psnr, decoded, targets),
    }


@torch.no_grad()
def round_trip(vae: AutoencoderKL, photos: Tensor, tiny: AutoencoderTiny | None = None) -> list[np.ndarray]:
    """Photos (N, 3, H, W) uint8 encoded and decoded again, by ``tiny`` where it is given: images (H, W, 3) uint8."""
    images = []
    for batch in photos.split(16):
        latents = vae.encode(tensors.to_unit_range(batch).to(vae.device)).latent_dist.mean
        decoded = tiny.decode(latents * vae.config.scaling_factor).sample if tiny else vae.decode(latents).sample
        images += arrays(((decoded.clamp(-1, 1) + 1) * 127.5).round().byte().cpu())
    return images


def _distance(perceptual: Callable[[Tensor, Tensor], Tensor], device: torch.device):
    @torch.no_grad()
    def distance(image: np.ndarray, target: np.ndarray) -> float:
        pair = tensors.to_unit_range(tensors.stack([image, target])).to(device)
        return perceptual(pair[:1], pair[1:]).item()

    return distance


def _spread(images: Sequence[np.ndarray], distance: Callable[[np.ndarray, np.ndarray], float]) -> float:
    """The mean distance between two of the images."""
    pairs = [(a, b) for index, a in enumerate(images) for b in images[:index]]
    return float(np.mean([distance(a, b) for a, b in pairs]))


def _mean(metric: Callable[[np.ndarray, np.ndarray], float], images: Sequence, targets: Sequence) -> float:
    return float(np.mean([metric(image, target) for image, target in zip(images, targets, strict=True)]))
