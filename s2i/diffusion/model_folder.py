"""What lies where in a trained model's folder."""

from __future__ import annotations  # diffusers takes seconds to import, and only loading needs it

from collections.abc import Sequence
from pathlib import Path

from s2i.core.errors import UserError
from s2i.diffusion import model_folder

UNET_LORA = "unet_lora"  # in a trained model's folder, as a pipeline's save_lora_weights writes it
WORDS = "words"  # the folder of new words, a file each, as load_textual_inversion reads them
FROM_WORDS = ("unet", "text_encoder", UNET_LORA, WORDS)  # what methods without a ControlNet leave


def saved_controlnets(folder: Path, count: int) -> list[Path]:
    """Where in a trained model's folder its ControlNets are, as diffusers names several."""
    return [folder / ("controlnet" if number == 0 else f"controlnet_{number}") for number in range(count)]


SETTINGS = "generate.json"  # in a student's folder: how it draws


def controlnets(folder: Path, conditions: Sequence[str]) -> list[Path]:
    """The ControlNets of a trained model, one for each condition; raises UserError when they are not there."""
    *wanted, beyond = model_folder.saved_controlnets(folder, len(conditions) + 1)
    if not wanted[0].is_dir() and any((folder / part).is_dir() for part in model_folder.FROM_WORDS):
        raise UserError(
            f"{folder} draws from words alone and has no ControlNet that would see a sketch: load it in diffusers, as "
            "docs/sketchy-study.md shows, or train with method controlnet."
        )
    if not wanted[0].is_dir():
        raise UserError(f"{folder} holds no trained model: run `make repro` first, or name its folder with --model.")
    if beyond.is_dir() or not wanted[-1].is_dir():
        raise UserError(
            f"{folder} was trained with {'more' if beyond.is_dir() else 'fewer'} conditions than params.yaml names: "
            "set conditions to those of its training."
        )
    return wanted
