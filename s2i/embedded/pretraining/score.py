"""How good the embedded base is, on renders it has not seen: metrics/base.json."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from diffusers import AutoencoderKL

from s2i.core import devices
from s2i.diffusion import base, sampling
from s2i.diffusion.sampling import Guidance, SamplingSettings
from s2i.embedded.pretraining.color_probe import fit_color_probe
from s2i.embedded.pretraining.params import Score
from s2i.embedded.pretraining.renders import arrays, read
from s2i.imaging import tensors
from s2i.imaging.edges import canny
from s2i.metrics.structure import edge_f1
from s2i.networks.probes import Probes, accuracy, features
from s2i.vocabulary import prompts


def score(
    model: Path, probes: Path, corpus: Path, settings: Score, resolution: int, seed: int
) -> tuple[dict, list[np.ndarray], list[np.ndarray]]:
    """The figures of the base; rows of Canny map, drawn, render; images drawn from text alone.

    Colours are read by a probe fitted on the training renders; everything else sees the held-out ones alone.
    """
    known, known_table = read(corpus / "train")
    read_colors = fit_color_probe(arrays(known), known_table["color"])
    photos, table = read(corpus / "held_out")
    renders = arrays(photos)
    device, precision = devices.pick()
    pipeline = base.load(model, model / "controlnet", devices.DTYPES[precision]).to(device)
    sampling_settings = SamplingSettings(resolution, settings.steps, guidance=Guidance(settings.guidance_scale))

    wanted = by_color(table, settings.color_images)
    seeds = range(seed, seed + settings.color_images)
    text_only = base.load(model, None, devices.DTYPES[precision]).to(device)
    texts = [text for _, text in wanted]
    colored = list(sampling.generate(text_only, texts, seeds, sampling_settings, description="text to image"))
    named, true_colors = read_colors(colored), read_colors(renders)

    chosen = renders[: settings.canny_images]
    maps = [canny(render) for render in chosen]
    texts = [prompts.plain(row) for row in table.head(len(chosen)).to_dict("records")]
    drawn = list(
        sampling.generate(
            pipeline,
            texts,
            range(len(chosen)),
            sampling_settings,
            control_images=[[edge_map] for edge_map in maps],
            description="canny",
        )
    )
    others = chosen[1:] + chosen[:1]
    predicted = Probes.load(probes).predict(features(renders))
    figures = {
        "autoencoder_psnr": psnr(photos[: settings.autoencoder_images], pipeline.vae.float()),
        "text_color_accuracy": float(np.mean([name == color for name, (color, _) in zip(named, wanted, strict=True)])),
        "text_color_chance": 1 / table["color"].nunique(),
        "text_color_accuracy_renders": float(np.mean(np.array(true_colors) == table["color"].to_numpy())),
        "canny_edge_f1": mean_edge_f1(drawn, chosen),
        "canny_edge_f1_shuffled": mean_edge_f1(drawn, others),
        "attribute_accuracy": accuracy(predicted, table.to_dict("records")),
        "colors": sorted(table["color"].unique()),
        "images": {
            "autoencoder": settings.autoencoder_images,
            "text_color": settings.color_images,
            "text_color_renders": len(renders),
            "canny": settings.canny_images,
        },
    }
    shown = list(zip(maps, drawn, chosen, strict=True))[:12]
    rows = [np.hstack([np.repeat(edges[..., None], 3, axis=2), image, render]) for edges, image, render in shown]
    return figures, rows, colored


def by_color(table: pd.DataFrame, count: int) -> list[tuple[str, str]]:
    """Colours in turn, each with the caption of a held-out render that has it: (color, prompt)."""
    groups = [group.to_dict("records") for _, group in table.groupby("color")]
    rows = [groups[index % len(groups)] for index in range(count)]
    picked = [group[index // len(groups) % len(group)] for index, group in enumerate(rows)]
    return [(row["color"], prompts.plain(row)) for row in picked]


def mean_edge_f1(drawn: Sequence[np.ndarray], renders: Sequence[np.ndarray]) -> float:
    """Mean F1 of the drawn images' contours against those of renders, at a tolerance of 2 pixels."""
    return float(np.mean([edge_f1(image, render, tolerance=2) for image, render in zip(drawn, renders, strict=True)]))


@torch.no_grad()
def psnr(photos: torch.Tensor, vae: AutoencoderKL) -> float:
    """Peak signal-to-noise ratio of decoded against original images, dB, mean over images.  (N, 3, H, W) uint8."""
    target = tensors.to_unit_range(photos)
    batches = [batch.to(vae.device, vae.dtype) for batch in target.split(32)]
    decoded = torch.cat([vae.decode(vae.encode(batch).latent_dist.mean).sample.float().cpu() for batch in batches])
    errors = (decoded.clamp(-1, 1) - target).square().mean(dim=(1, 2, 3)) / 4
    return float((-10 * errors.log10()).mean())
