"""The embedded UNet and text encoder, trained together on the latents of the corpus."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from diffusers import (
    AutoencoderKL,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from torch import nn
from tqdm import tqdm
from transformers import CLIPTokenizer

from s2i.core import devices
from s2i.diffusion import placement
from s2i.diffusion.encoding import encode_images
from s2i.embedded.pretraining import renders
from s2i.embedded.pretraining.params import Text, TextToImage
from s2i.embedded.pretraining.text_encoder import build_text_encoder, build_tokenizer
from s2i.training.loop import fit
from s2i.training.losses import noise_loss, sample_latents
from s2i.training.methods.text_only import PromptedUNet
from s2i.training.run import Run
from s2i.vocabulary import prompts


def build_unet(settings: TextToImage, latent_channels: int, sample_size: int, text_width: int) -> UNet2DConditionModel:
    """A fresh UNet of Stable Diffusion's shape; attention at all but the coarsest resolution."""
    depth = len(settings.channels) - 1
    return UNet2DConditionModel(
        sample_size=sample_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=settings.channels,
        layers_per_block=settings.layers_per_block,
        down_block_types=["CrossAttnDownBlock2D"] * depth + ["DownBlock2D"],
        up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * depth,
        cross_attention_dim=text_width,
        attention_head_dim=settings.attention_head_dim,
        norm_num_groups=16,
    )


def train(
    corpus: Path, autoencoder: Path, target: Path, settings: TextToImage, words: Text, resolution: int, seed: int
) -> None:
    """Train on the corpus and save a whole StableDiffusionPipeline into ``target``, weights in bf16."""
    torch.manual_seed(seed)
    device, precision = devices.pick()
    photos, table = renders.read(corpus)
    vae = AutoencoderKL.from_pretrained(autoencoder, torch_dtype=torch.float32).to(device)
    tokenizer = build_tokenizer(words.merges)
    text_encoder = build_text_encoder(tokenizer, words)
    unet = build_unet(settings, vae.config.latent_channels, resolution // 8, words.width)
    placement.move_to(device, unet)
    model = PromptedUNet(unet, text_encoder)
    noise_scheduler = schedule(DDPMScheduler)

    def loss(model, batch, draws):
        which = draws.integers(settings.prompts_per_image, len(batch["tokens"]))
        tokens = batch["tokens"][torch.arange(len(which)), which]
        latents = sample_latents(batch["mean"], batch["logvar"], draws) * vae.config.scaling_factor
        return noise_loss(lambda x, t: model(x, t, tokens), latents, noise_scheduler, draws)

    fit(
        Run(
            model,
            loss,
            renders.Columns(**encoded(photos, vae), tokens=tokens_of(table, tokenizer, settings, seed)),
            settings,
            renders.checkpoints(__name__, "text_to_image", [corpus, autoencoder], [settings, words, resolution, seed]),
            device=device,
            precision=precision,
            seed=seed,
            description="text to image",
        )
    )
    assemble(vae, text_encoder, tokenizer, unet).to(torch.bfloat16).save_pretrained(target)


def assemble(
    vae: AutoencoderKL, text_encoder: nn.Module, tokenizer: CLIPTokenizer, unet: UNet2DConditionModel
) -> StableDiffusionPipeline:
    """The parts as one pipeline that draws with DPM-Solver++ and has no safety checker."""
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=schedule(DPMSolverMultistepScheduler),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def schedule(scheduler: type):
    """Stable Diffusion 2's noise schedule.

    Velocity rather than noise: where all is noise, a small error in the noise is a large one in the image, and its
    colours are decided there.
    """
    return scheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        steps_offset=1,
        prediction_type="v_prediction",
    )


def encoded(photos: torch.Tensor, vae: AutoencoderKL) -> dict[str, torch.Tensor]:
    """Latent mean and log-variance of every image, then of every mirrored one: two of (2N, C, h, w)."""
    batches = torch.cat([photos, photos.flip(-1)]).split(64)
    latents = [encode_images(vae, batch) for batch in tqdm(batches, desc="encode", unit="batch")]
    return dict(zip(("mean", "logvar"), map(torch.cat, zip(*latents, strict=True)), strict=True))


def tokens_of(table: pd.DataFrame, tokenizer: CLIPTokenizer, settings: TextToImage, seed: int) -> torch.Tensor:
    """Random wordings of every image, then of every mirrored one: token ids (2N, prompts, L)."""
    rng = np.random.default_rng(seed)
    rows = table.to_dict("records")
    rows += [prompts.mirrored(row) for row in rows]
    wordings = [
        prompts.randomised(row, rng, empty=settings.empty_prompt, drop_part=0.1, synonym=0.2)
        for row in rows
        for _ in range(settings.prompts_per_image)
    ]
    tokens = tokenizer(wordings, padding="max_length", truncation=True, return_tensors="pt").input_ids
    return tokens.view(len(rows), settings.prompts_per_image, -1)
