"""The embedded UNet, ControlNet and text encoder, trained together on the latents of the corpus."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    StableDiffusionControlNetPipeline,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from torch import Tensor, nn
from torch.nn import functional as F

from s2i.core import devices
from s2i.diffusion import placement
from s2i.embedded.pretraining import latents, renders, stopwatch
from s2i.embedded.pretraining.alignment import Alignment
from s2i.embedded.pretraining.curve import CURVE, EdgeCurve
from s2i.embedded.pretraining.params import Denoiser, Text
from s2i.embedded.pretraining.stopwatch import Stopwatch
from s2i.embedded.pretraining.text_encoder import build_text_encoder, build_tokenizer
from s2i.training.loop import fit
from s2i.training.randomness import BatchRandom
from s2i.training.run import Loss, Run
from s2i.vocabulary import prompts

TIMESTEPS = 1000
UNCHECKED = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}


class Inputs(NamedTuple):
    """Folders: the renders, with those to train and those to validate on, the autoencoder, the control images."""

    corpus: Path
    autoencoder: Path
    controls: Path


class ControlledUNet(nn.Module):
    """UNet, text encoder, ControlNet and what aligns features as one module with one forward."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: nn.Module, controlnet: ControlNetModel, width: int):
        super().__init__()
        self.unet, self.text_encoder, self.controlnet = unet, text_encoder, controlnet
        self.alignment = Alignment(unet.config.block_out_channels[-1], width)
        unet.up_blocks[0].register_forward_hook(self._keep_features)
        self.features: Tensor | None = None

    def _keep_features(self, block: nn.Module, inputs: tuple, features: Tensor) -> None:
        self.features = features

    def forward(
        self, noisy_latents: Tensor, timesteps: Tensor, tokens: Tensor, controlnet_cond: Tensor, control_mask: Tensor
    ) -> Tensor:
        """The velocity (B, C, h, w) of noisy latents (B, C, h, w) at timesteps (B,), after tokens (B, L).

        controlnet_cond: (B, 3, H, W) in [0, 1].  control_mask: (B, 1, 1, 1), 0 where the ControlNet adds nothing.
        """
        encoder_hidden_states = self.text_encoder(tokens).last_hidden_state
        down, mid = self.controlnet(noisy_latents, timesteps, encoder_hidden_states, controlnet_cond, return_dict=False)
        return self.unet(
            noisy_latents,
            timesteps,
            encoder_hidden_states,
            down_block_additional_residuals=[residual * control_mask for residual in down],
            mid_block_additional_residual=mid * control_mask,
        ).sample


def build_unet(settings: Denoiser, latent_channels: int, sample_size: int, text_width: int) -> UNet2DConditionModel:
    """A fresh UNet of Stable Diffusion's shape; attention from the second resolution on."""
    depth = len(settings.channels) - 1
    return UNet2DConditionModel(
        sample_size=sample_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=settings.channels,
        layers_per_block=settings.layers_per_block,
        down_block_types=["DownBlock2D"] + ["CrossAttnDownBlock2D"] * depth,
        up_block_types=["CrossAttnUpBlock2D"] * depth + ["UpBlock2D"],
        cross_attention_dim=text_width,
        attention_head_dim=settings.attention_head_dim,
        norm_num_groups=16,
    )


def noise_schedule(scheduler: type):
    """Stable Diffusion's noise schedule down to no signal at all, and velocities.

    Velocity rather than noise: where all is noise, a small error in the noise is a large one in the image, and its
    colours are decided there.  Source: Lin et al., "Common diffusion noise schedules and sample steps are flawed",
    WACV 2024.
    """
    return scheduler(
        num_train_timesteps=TIMESTEPS,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        steps_offset=1,
    )


def sample_timesteps(count: int, settings: Denoiser, rng: BatchRandom) -> Tensor:
    """Timesteps (count,), most of them where structure is decided, a share from anywhere.

    Source: Esser et al., "Scaling rectified flow transformers", ICML 2024, section 3.1: logit-normal density.
    """
    normal, anywhere = rng.normal((count,)), rng.uniform((count,))
    dense = torch.sigmoid(settings.timestep_mean + settings.timestep_deviation * normal)
    uniform = rng.uniform((count,)) < settings.uniform_timesteps
    return (torch.where(uniform, anywhere, dense) * TIMESTEPS).long().clamp(0, TIMESTEPS - 1)


def denoising_loss(settings: Denoiser, empty_tokens: Tensor) -> Loss:
    """Squared error of the velocity, and for the first share of the steps the distance of features to their targets.

    Renders and control images are seen at half their size first, a quarter of the work.  Source: Rombach et al.,
    "High-resolution image synthesis with latent diffusion models", CVPR 2022, whose weights were trained so.
    """
    noise_scheduler = noise_schedule(DDPMScheduler)

    def loss(model: ControlledUNet, batch: Mapping[str, Tensor], rng: BatchRandom) -> Tensor:
        count, rows, step = len(batch["latents"]), torch.arange(len(batch["latents"])), rng.step or 0
        # Data: an orientation, a wording and a control image of each render, each of them left out in a share.
        side = (rng.uniform((count,)) < 0.5).long()
        tokens = batch["tokens"][rows, side, rng.integers(settings.prompts_per_image, count)]
        tokens = torch.where(rng.uniform((count, 1)) < settings.prompt_dropout, empty_tokens, tokens)
        length = settings.short_prompts if step < settings.short_share * settings.steps else tokens.shape[1]
        control = batch["controls"][rows, rng.integers(batch["controls"].shape[1], count)][:, None]
        control = torch.where(side.view(-1, 1, 1, 1).bool(), control.flip(-1), control)
        control_mask = (rng.uniform((count, 1, 1, 1)) >= settings.control_dropout).float()
        controlnet_cond = control.float().div(255)
        halved = step < settings.halved_share * settings.steps
        controlnet_cond = F.avg_pool2d(controlnet_cond, 2) if halved else controlnet_cond
        # Noise
        clean = batch["halved" if halved else "latents"][rows, side].float()
        noise = rng.normal(clean.shape)
        timesteps = sample_timesteps(count, settings, rng)
        noisy = noise_scheduler.add_noise(clean, noise, timesteps)
        # Prediction
        model_output = model(noisy, timesteps, tokens[:, :length], controlnet_cond.expand(-1, 3, -1, -1), control_mask)
        # Loss
        value = F.mse_loss(model_output.float(), noise_scheduler.get_velocity(clean, noise, timesteps))
        left = 1 - step / (settings.alignment_share * settings.steps)
        if left > 0:
            target = torch.where(side.view(-1, 1, 1, 1).bool(), batch["aligned"].flip(-1), batch["aligned"])
            value = value + settings.alignment_weight * left * model.alignment(model.features, target)
        return value

    return loss


def train(inputs: Inputs, target: Path, settings: Denoiser, words: Text, seed: int) -> None:
    """Train, and save a whole StableDiffusionPipeline and its ControlNet in bf16, hours and curve into ``target``."""
    torch.manual_seed(seed)
    device, precision = devices.pick()
    vae = AutoencoderKL.from_pretrained(inputs.autoencoder, torch_dtype=torch.float32).to(device)
    tokenizer = build_tokenizer(words.merges)
    text_encoder = build_text_encoder(tokenizer, words)
    photos, table = renders.read(inputs.corpus / "train")
    columns = latents.columns(photos, table, vae, tokenizer, settings, seed)
    controls = np.load(inputs.controls / "controls.npy", mmap_mode="r")
    unet = build_unet(settings, vae.config.latent_channels, columns["latents"].shape[-1], words.width)
    controlnet = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=settings.conditioning_channels)
    open_zero_convolutions(controlnet)
    placement.move_to(device, unet, controlnet)
    model = ControlledUNet(unet, text_encoder, controlnet, settings.alignment_width)
    parts = {"vae": vae, "text_encoder": text_encoder, "tokenizer": tokenizer, "unet": unet} | UNCHECKED
    parts["scheduler"] = noise_schedule(DPMSolverMultistepScheduler)

    checkpoints = renders.checkpoints(__name__, "denoiser", inputs, [settings, words, seed])
    empty_tokens = tokenizer([""], padding="max_length", return_tensors="pt").input_ids.to(device)
    loss = denoising_loss(settings, empty_tokens)
    run = Run(model, loss, renders.Columns(**columns, controls=controls), settings, checkpoints, device, precision)
    held_out, held_out_table = renders.read(inputs.corpus / "validation")
    texts = [prompts.plain(row) for row in held_out_table.to_dict("records")]
    controlled = StableDiffusionControlNetPipeline(controlnet=controlnet, **parts)
    curve = EdgeCurve(controlled, renders.arrays(held_out), texts, settings, checkpoints / CURVE)
    fit(replace(run, seed=seed, description="denoiser", log=Stopwatch(checkpoints), validate=curve))

    StableDiffusionPipeline(**parts).to(torch.bfloat16).save_pretrained(target)
    controlnet.to(torch.bfloat16).save_pretrained(target / "controlnet")
    shutil.copyfile(checkpoints / CURVE, target / CURVE)
    stopwatch.write_hours(target, [checkpoints])


def open_zero_convolutions(controlnet: ControlNetModel) -> None:
    """Give the zero convolutions ordinary random weights: there is no finished base that they would have to spare."""
    zero = [*controlnet.controlnet_down_blocks, controlnet.controlnet_mid_block]
    for convolution in [*zero, controlnet.controlnet_cond_embedding.conv_out]:
        convolution.reset_parameters()
