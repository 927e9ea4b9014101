"""The corpus as the denoiser reads it: latents, wordings and features of every render, mirrored too."""

import numpy as np
import pandas as pd
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional as F
from tqdm import tqdm
from transformers import CLIPTokenizer

from s2i.diffusion.encoding import encode_images
from s2i.embedded.pretraining import alignment
from s2i.embedded.pretraining.params import Denoiser
from s2i.vocabulary import prompts

ENCODED_AT_ONCE = 32


def columns(
    photos: Tensor, table: pd.DataFrame, vae: AutoencoderKL, tokenizer: CLIPTokenizer, settings: Denoiser, seed: int
) -> dict[str, Tensor]:
    """What an example is made of, by name, for photos (N, 3, H, W) uint8 and their rows.

    "latents" (N, 2, C, h, w) bfloat16, scaled, of the render and of the mirrored one; "halved", the same of both at
    half their size; "tokens" (N, 2, prompts, L); "aligned" (N, width, 7, 7) float16, of the render alone.
    """
    halved = torch.cat([F.avg_pool2d(batch.float(), 2).round().byte() for batch in photos.split(ENCODED_AT_ONCE)])
    return {
        "latents": torch.stack([_latents(photos, vae), _latents(photos.flip(-1), vae)], dim=1),
        "halved": torch.stack([_latents(halved, vae), _latents(halved.flip(-1), vae)], dim=1),
        "tokens": _tokens(table, tokenizer, settings, seed),
        "aligned": alignment.targets(photos, settings.alignment_width),
    }


def _latents(photos: Tensor, vae: AutoencoderKL) -> Tensor:
    batches = tqdm(photos.split(ENCODED_AT_ONCE), desc="encode", unit="batch")
    means = [encode_images(vae, batch)[0] for batch in batches]
    return (torch.cat(means) * vae.config.scaling_factor).bfloat16()


def _tokens(table: pd.DataFrame, tokenizer: CLIPTokenizer, settings: Denoiser, seed: int) -> Tensor:
    """Random wordings of every render, and of it mirrored."""
    rng = np.random.default_rng(seed)
    rows = table.to_dict("records")
    sides = [side for row in rows for side in (row, prompts.mirrored(row))]
    wordings = [
        prompts.randomised(row, rng, empty=0.0, drop_part=settings.drop_part, synonym=settings.synonym)
        for row in sides
        for _ in range(settings.prompts_per_image)
    ]
    tokens = tokenizer(wordings, padding="max_length", truncation=True, return_tensors="pt").input_ids
    return tokens.view(len(rows), 2, settings.prompts_per_image, -1)
