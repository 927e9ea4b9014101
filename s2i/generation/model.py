"""A trained model that draws: loaded once, its adapters merged, laid out for speed."""

import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from diffusers import AutoencoderTiny
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch.nn import functional as F

from s2i.core import devices
from s2i.core.errors import UserError, first_line
from s2i.core.files import whole_file
from s2i.core.params import Generate
from s2i.diffusion import base, sampling
from s2i.diffusion.controlnets import controlnets_of, give_embeddings
from s2i.diffusion.sampling import SamplingSettings
from s2i.generation import engines
from s2i.generation.find_model import Trained
from s2i.imaging import control_images

SHAPE = ("block_out_channels", "down_block_types", "layers_per_block", "cross_attention_dim", "in_channels")
PREVIEW_LATENTS = 16  # a side; a full decoder shows more only slowly


class GeneratedImage(NamedTuple):
    """An image (H, W, 3) uint8 and what it was made with."""

    image: np.ndarray
    parameters: dict


class SketchToImage:
    """A trained model in memory.

    tiny_decoder: a folder or hub id of an AutoencoderTiny for the base's latents, which decodes in the place of the
    full autoencoder, faster and coarser.  compile: torch.compile UNet and ControlNets: minutes at first, then faster.
    engine: what computes UNet and ControlNets, one of `engines.ENGINES`.
    Raises UserError when a part cannot be had, is not whole, or does not fit the base, or the engine cannot be had.
    """

    def __init__(self, trained: Trained, tiny_decoder: str | None = None, compile: bool = False, engine: str = "torch"):
        self.trained, self.params, self.engine = trained, trained.params, engine
        engines.check(engine, self.params.device, compile)
        wanted = self.params.device if engine == "torch" else "cpu"
        device, self.precision = devices.pick(wanted, self.params.precision)
        dtype = devices.DTYPES[self.precision]
        self.pipeline = base.load(trained.base, base.load_controlnet(*trained.controlnets, dtype=dtype), dtype)
        for controlnet, name in zip(controlnets_of(self.pipeline.controlnet), trained.controlnets, strict=True):
            _check_shape(controlnet, name, self.pipeline.unet, trained.base)
        if trained.unet_lora:
            _merge(self.pipeline, trained.unet_lora)
        if tiny_decoder:
            self.pipeline.vae = _tiny(tiny_decoder, dtype, self.pipeline)
        self.pipeline.to(device)
        if engine == "torch":
            models = [self.pipeline.unet, self.pipeline.vae, *controlnets_of(self.pipeline.controlnet)]
        else:  # first, as changing the layout of weights reads all of them into memory
            from s2i.generation.engines import openvino  # takes a second to import

            openvino.replace(self.pipeline, trained, engine)
            models = [self.pipeline.vae]
        for model in models:
            model.to(memory_format=torch.channels_last)
        if compile:
            give_embeddings(self.pipeline)
            for model in (self.pipeline.unet, *controlnets_of(self.pipeline.controlnet)):
                model.compile()

    def controls(self, sketch: np.ndarray, prompt: str) -> dict[str, np.ndarray]:
        """What the model sees of a sketch (H, W) uint8: a control image for each of its conditions."""
        conditions = self.params.conditions
        return dict(zip(conditions, control_images.control_images(sketch, conditions, prompt), strict=True))

    def steps(
        self, sketches: Sequence[np.ndarray], prompt: str, seeds: Sequence[int], settings: Generate
    ) -> Iterator[sampling.Step]:
        """Draw a batch of sketches (resolution, resolution) uint8, a seed each, step by step: `sampling.denoise`."""
        prompt_embeds = sampling.encode_prompts(self.pipeline, [prompt])
        return sampling.denoise(
            self.pipeline,
            prompt_embeds[prompt].expand(len(seeds), -1, -1),
            prompt_embeds[""],
            seeds,
            SamplingSettings.from_params(settings, self.params.resolution),
            [list(self.controls(sketch, prompt).values()) for sketch in sketches],
        )

    def drawings(
        self, step: sampling.Step, prompt: str, seeds: Sequence[int], settings: Generate
    ) -> list[GeneratedImage]:
        """The images of the last step, one a seed, with what they were made with."""
        told = {"prompt": prompt, "model": self.trained.name, "resolution": self.params.resolution}
        told |= settings.sampling | {"precision": self.precision, "engine": self.engine}
        told["scheduler"] = settings.scheduler or type(self.pipeline.scheduler).__name__
        images = [sampling.decode(self.pipeline, latents)[0] for latents in step.latents.split(1)]
        return [GeneratedImage(image, told | {"seed": seed}) for image, seed in zip(images, seeds, strict=True)]

    def preview(self, step: sampling.Step) -> np.ndarray:
        """The first image of a batch as it is foreseen at a step; a small one where a full decoder is slow."""
        latents = step.predicted_original()[:1]
        if not isinstance(self.pipeline.vae, AutoencoderTiny) and latents.shape[-1] > PREVIEW_LATENTS:
            latents = F.interpolate(latents.float(), (PREVIEW_LATENTS,) * 2, mode="area").to(latents.dtype)
        return sampling.decode(self.pipeline, latents)[0]


def png(drawing: GeneratedImage) -> bytes:
    """The image as a PNG file that carries its parameters, as JSON in the text chunk ``parameters``."""
    info = PngInfo()
    info.add_itxt("parameters", json.dumps(drawing.parameters, ensure_ascii=False))
    file = BytesIO()
    Image.fromarray(drawing.image).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def save(drawing: GeneratedImage, path: Path) -> None:
    """Write `png` of a drawing, whole or not at all, making its folder."""
    with whole_file(path) as draft:
        draft.write_bytes(png(drawing))


def _check_shape(controlnet, place: str | Path, unet, base_name: str) -> None:
    for key in SHAPE:
        ours, wanted = (_listed(model.config[key]) for model in (controlnet, unet))
        if ours != wanted:
            raise UserError(
                f"{place} does not fit the base {base_name}: its {key} is {ours}, the base's {wanted}; "
                "set base in params.yaml to the one it was trained with."
            )


def _listed(value):
    return list(value) if isinstance(value, (list, tuple)) else value


def _merge(pipeline, folder: Path) -> None:
    """Add a LoRA of the UNet to its weights, so that drawing costs no more than without."""
    try:
        pipeline.load_lora_weights(folder)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{folder} holds no LoRA that fits the base: {first_line(error)}") from None
    pipeline.fuse_lora(components=["unet"])
    pipeline.unload_lora_weights()


def _tiny(place: str, dtype: torch.dtype, pipeline) -> AutoencoderTiny:
    try:
        tiny = AutoencoderTiny.from_pretrained(place, use_safetensors=True, dtype=dtype)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"the tiny decoder {place} could not be loaded: {first_line(error)}") from None
    ours, wanted = tiny.config.latent_channels, pipeline.unet.config.in_channels
    if ours != wanted:
        raise UserError(f"the tiny decoder {place} takes {ours} latent channels, and the base has {wanted}.")
    return tiny
