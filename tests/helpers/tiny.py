"""A base of Stable Diffusion's shape with random weights, small enough to be built in a test."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)

from s2i.embedded.pretraining.params import Text
from s2i.embedded.pretraining.text_encoder import build_text_encoder, build_tokenizer


def save_base(folder: Path) -> Path:
    """Write a pipeline and, under ``controlnet``, a ControlNet that does not stay silent."""
    torch.manual_seed(0)
    words = Text(merges=64, width=16, layers=1, heads=2)
    tokenizer = build_tokenizer(words.merges)
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=6,
        norm_num_groups=4,
        sample_size=64,
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=6,
        out_channels=6,
        block_out_channels=[16, 32],
        layers_per_block=1,
        down_block_types=["CrossAttnDownBlock2D", "DownBlock2D"],
        up_block_types=["UpBlock2D", "CrossAttnUpBlock2D"],
        cross_attention_dim=words.width,
        attention_head_dim=2,
        norm_num_groups=16,
    )
    controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 8, 8))
    for name, parameter in controlnet.named_parameters():
        if "controlnet_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    StableDiffusionPipeline(
        vae=vae,
        text_encoder=build_text_encoder(tokenizer, words),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DPMSolverMultistepScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            prediction_type="v_prediction",
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)
    controlnet.save_pretrained(folder / "controlnet")
    return folder
