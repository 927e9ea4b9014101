"""A base of Stable Diffusion's shape with random weights, small enough to be built in a test."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, ControlNetModel

from s2i.embedded.pretraining.params import Text, TextToImage
from s2i.embedded.pretraining.text_encoder import build_text_encoder, build_tokenizer
from s2i.embedded.pretraining.text_to_image import assemble, build_unet


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
    layout = TextToImage(
        channels=[16, 32],
        layers_per_block=1,
        attention_head_dim=2,
        prompts_per_image=1,
        empty_prompt=0,
        steps=1,
        batch_size=1,
        learning_rate=1e-4,
    )
    unet = build_unet(layout, 6, 8, words.width)
    controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 8, 8))
    for name, parameter in controlnet.named_parameters():
        if "controlnet_" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    assemble(vae, build_text_encoder(tokenizer, words), tokenizer, unet).save_pretrained(folder)
    controlnet.save_pretrained(folder / "controlnet")
    return folder
