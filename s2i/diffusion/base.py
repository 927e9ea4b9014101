"""The model that is fine-tuned: a Stable Diffusion pipeline and its ControlNet, from folders or from the model hub."""

from pathlib import Path
from typing import Any, TypeAlias

import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline, StableDiffusionPipeline
from diffusers.models.controlnets.multicontrolnet import MultiControlNetModel
from safetensors import SafetensorError

from s2i.core.errors import UserError, first_line
from s2i.diffusion.controlnets import combine
from s2i.diffusion.model_folder import NEW_WORDS, UNET_LORA

Pipeline: TypeAlias = StableDiffusionPipeline | StableDiffusionControlNetPipeline


def load(
    base: str | Path,
    controlnet: str | Path | ControlNetModel | MultiControlNetModel | None,
    dtype: torch.dtype | None = None,
) -> Pipeline:
    """A pipeline on the CPU in ``dtype``, float32 unless given; without a ``controlnet`` it draws from text alone.

    base, controlnet: a folder in diffusers format, or a model hub id.  Raises UserError when one cannot be had.
    """
    kind = StableDiffusionPipeline
    options: dict[str, Any] = {"safety_checker": None, "requires_safety_checker": False}
    if isinstance(controlnet, (str, Path)):
        controlnet = load_controlnet(controlnet, dtype=dtype)
    if controlnet is not None:
        kind, options = StableDiffusionControlNetPipeline, options | {"controlnet": controlnet}
    return _pretrained(kind, "base", base, "model_index.json", dtype, **options)


def load_trained(base: str | Path, trained: Path | None, dtype: torch.dtype | None = None) -> StableDiffusionPipeline:
    """The base with what a training changed of it: UNet, text encoder, a LoRA of the UNet, new words; no ControlNet.

    trained: the folder of a trained model, None is none.  Raises UserError when a part cannot be read.
    """
    pipeline = load(base, None, dtype)
    if trained is None:
        return pipeline
    for part in ("unet", "text_encoder"):
        if (folder := Path(trained) / part).is_dir():
            kind = type(getattr(pipeline, part))
            setattr(pipeline, part, _pretrained(kind, "model", folder, "config.json", dtype))
    add_unet_lora(pipeline, Path(trained))
    for file in sorted((Path(trained) / NEW_WORDS).glob("*.safetensors")):
        pipeline.load_textual_inversion(file)
    return pipeline


def add_unet_lora(pipeline: Pipeline, trained: Path) -> None:
    """Put a trained model's LoRA of the UNet beside the weights of a pipeline, where the model has one."""
    if (trained / UNET_LORA).is_dir():
        pipeline.load_lora_weights(trained / UNET_LORA)


def load_controlnet(*paths: str | Path, dtype: torch.dtype | None = None) -> ControlNetModel | MultiControlNetModel:
    """A ControlNet from a folder or the hub, or several whose effects add up; raises UserError when one is missing."""
    return combine([_pretrained(ControlNetModel, "controlnet", path, "config.json", dtype) for path in paths])


def _pretrained(kind: Any, key: str, name: str | Path, index: str, dtype: torch.dtype | None, **options: Any) -> Any:
    """What a class of diffusers reads from a folder that has the file ``index``, or from a hub id.

    key: the parameter that names it, for what is told to the user.
    """
    folder = Path(name)
    if folder.is_dir() and not (folder / index).exists():
        raise UserError(f"{key}: the folder {name} has no {index}; it must hold a model in diffusers format.")
    try:
        return kind.from_pretrained(str(name), use_safetensors=True, dtype=dtype or torch.float32, **options)
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = first_line(error)
        if folder.is_dir():
            raise UserError(f"{key}: the folder {name} is not a whole model in diffusers format: {reason}") from None
        raise UserError(
            f"{key}: '{name}' is no folder here and could not be had from the model hub ({reason}); set {key} in "
            "params.yaml to a folder in diffusers format or to a hub id this machine can download."
        ) from None
