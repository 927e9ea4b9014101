"""What lies where in a trained model's folder."""

from collections.abc import Sequence
from pathlib import Path

from s2i.core.errors import UserError

UNET_LORA = "unet_lora"  # as a pipeline's save_lora_weights writes it
NEW_WORDS = "words"  # a folder of new words, a file each, as load_textual_inversion reads them
TEXT_ONLY = ("unet", "text_encoder", UNET_LORA, NEW_WORDS)  # what methods without a ControlNet leave
SETTINGS = "generate.json"  # what a model brings along: its conditions, and of a student how it generates


def controlnet_folders(folder: Path, count: int) -> list[Path]:
    """Where in a trained model's folder its ControlNets are, as diffusers names several."""
    return [folder / ("controlnet" if index == 0 else f"controlnet_{index}") for index in range(count)]


def find_controlnets(folder: Path, conditions: Sequence[str]) -> list[Path]:
    """The ControlNets of a trained model, one for each condition; raises UserError when they are not there."""
    *expected, beyond = controlnet_folders(folder, len(conditions) + 1)
    if not expected[0].is_dir() and any((folder / part).is_dir() for part in TEXT_ONLY):
        raise UserError(
            f"{folder} draws from words alone and has no ControlNet that would see a sketch: load it in diffusers, as "
            "docs/sketchy-study.md shows, or train with method controlnet."
        )
    if not expected[0].is_dir():
        raise UserError(f"{folder} holds no trained model: run `make repro` first, or name its folder with --model.")
    if beyond.is_dir() or not expected[-1].is_dir():
        raise UserError(
            f"{folder} was trained with {'more' if beyond.is_dir() else 'fewer'} conditions than params.yaml names: "
            "set conditions to those of its training."
        )
    return expected
