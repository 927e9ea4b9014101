"""A trained model at work: loaded once, its adapters merged, laid out for speed."""

import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

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
from s2i.diffusion.sampling import SamplingSettings, Step
from s2i.generation.engines import available
from s2i.generation.find_model import TrainedModel
from s2i.imaging import shapes
from s2i.imaging.control_images import control_images

SHAPE = ("block_out_channels", "down_block_types", "layers_per_block", "cross_attention_dim", "in_channels")
PREVIEW_LATENTS = 16  # a side; a full decoder shows more only slowly


class GeneratedImage(NamedTuple):
    """An image (H, W, 3) uint8 and what it was made with."""

    image: np.ndarray
    parameters: dict[str, Any]


class SketchToImage:
    """A trained model in memory.

    tiny_decoder: a folder or hub id of an AutoencoderTiny for the base's latents, which decodes in the place of the
    full autoencoder, faster and coarser.  compile: torch.compile UNet and ControlNets: minutes at first, then faster.
    engine: what computes UNet and ControlNets, one of `engines.available.ENGINES`.
    Raises UserError when a part cannot be had, is not whole, or does not fit the base, or the engine cannot be had.
    """

    def __init__(
        self, trained: TrainedModel, tiny_decoder: str | None = None, compile: bool = False, engine: str = "torch"
    ):
        self.trained, self.params, self.engine = trained, trained.params, engine
        available.check(engine, self.params.device, compile)
        device, self.precision = devices.pick(self.params.device if engine == "torch" else "cpu", self.params.precision)
        dtype = devices.DTYPES[self.precision]
        self.pipeline: Any = base.load(trained.base, base.load_controlnet(*trained.controlnets, dtype=dtype), dtype)
        for controlnet, name in zip(controlnets_of(self.pipeline.controlnet), trained.controlnets, strict=True):
            _check_shape(controlnet, name, self.pipeline.unet, trained.base)
        if trained.unet_lora:
            _merge(self.pipeline, trained.unet_lora)
        if tiny_decoder:
            self.pipeline.vae = _load_tiny_decoder(tiny_decoder, dtype, self.pipeline.unet)
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

    def control_images(self, sketch: np.ndarray, prompt: str) -> dict[str, np.ndarray]:
        """The control image for each of the model's conditions of a sketch, as `user_sketch.read` gives it."""
        conditions = self.params.conditions
        return dict(zip(conditions, control_images(shapes.on_square(sketch), conditions, prompt), strict=True))

    def denoise(
        self, sketches: Sequence[np.ndarray], prompt: str, seeds: Sequence[int], settings: Generate
    ) -> Iterator[Step]:
        """Yield the steps of `sampling.denoise` for sketches, as `user_sketch.read` gives them, a seed each."""
        prompt_embeds = sampling.encode_prompts(self.pipeline, [settings.negative_prompt, prompt])
        return sampling.denoise(
            self.pipeline,
            prompt_embeds[prompt].expand(len(seeds), -1, -1),
            prompt_embeds[settings.negative_prompt],
            seeds,
            SamplingSettings.from_params(settings, self.params.resolution),
            [list(self.control_images(sketch, prompt).values()) for sketch in sketches],
        )

    def images(
        self, last_step: Step, sketches: Sequence[np.ndarray], prompt: str, seeds: Sequence[int], settings: Generate
    ) -> list[GeneratedImage]:
        """The images that the last step of `denoise` ends in, as large as the sketches, with what made them."""
        parameters = {"prompt": prompt, "model": self.trained.name, "resolution": self.params.resolution}
        parameters |= settings.sampling | {"precision": self.precision, "engine": self.engine}
        parameters["scheduler"] = settings.scheduler or type(self.pipeline.scheduler).__name__
        squares = [sampling.decode(self.pipeline, latents)[0] for latents in torch.split(last_step.latents, 1)]
        images = [
            shapes.cut_out(square, *sketch.shape[1::-1]) for square, sketch in zip(squares, sketches, strict=True)
        ]
        return [GeneratedImage(image, parameters | {"seed": seed}) for image, seed in zip(images, seeds, strict=True)]

    def preview(self, step: Step, sketch: np.ndarray) -> np.ndarray:
        """The image of a batch's first sketch as a step foresees it, a small one where a full decoder is slow."""
        latents = step.predicted_original()[:1]
        if not isinstance(self.pipeline.vae, AutoencoderTiny) and latents.shape[-1] > PREVIEW_LATENTS:
            latents = F.interpolate(latents.float(), (PREVIEW_LATENTS,) * 2, mode="area").to(latents.dtype)
        return shapes.cut_out(sampling.decode(self.pipeline, latents)[0], *sketch.shape[1::-1])


def png(generated: GeneratedImage) -> bytes:
    """The image as a PNG file that carries its parameters, as JSON in the text chunk ``parameters``."""
    info = PngInfo()
    info.add_itxt("parameters", json.dumps(generated.parameters, ensure_ascii=False))
    file = BytesIO()
    Image.fromarray(generated.image).save(file, "PNG", pnginfo=info)
    return file.getvalue()


def save(generated: GeneratedImage, path: Path) -> None:
    """Write `png` of an image, whole or not at all, making its folder."""
    with whole_file(path) as draft:
        draft.write_bytes(png(generated))


def _check_shape(controlnet: Any, name: str | Path, unet: Any, base_name: str) -> None:
    for key in SHAPE:
        actual, expected = (_as_list(model.config[key]) for model in (controlnet, unet))
        if actual != expected:
            raise UserError(
                f"{name} does not fit the base {base_name}: its {key} is {actual}, the base's {expected}; "
                "set base in params.yaml to the one it was trained with."
            )


def _as_list(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value


def _merge(pipeline: Any, folder: Path) -> None:
    """Add a LoRA of the UNet to its weights, so that generating costs no more than without."""
    try:
        pipeline.load_lora_weights(folder)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{folder} holds no LoRA that fits the base: {first_line(error)}") from None
    pipeline.fuse_lora(components=["unet"])
    pipeline.unload_lora_weights()


def _load_tiny_decoder(name: str, dtype: torch.dtype, unet: Any) -> AutoencoderTiny:
    try:
        decoder = AutoencoderTiny.from_pretrained(name, use_safetensors=True, dtype=dtype)
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"the tiny decoder {name} could not be loaded: {first_line(error)}") from None
    actual, expected = decoder.config.latent_channels, unet.config.in_channels
    if actual != expected:
        raise UserError(f"the tiny decoder {name} takes {actual} latent channels, and the base has {expected}.")
    return decoder
