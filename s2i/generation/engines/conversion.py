"""UNet and ControlNets converted to OpenVINO's format, in floats or in int8."""

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from torch import nn

from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.core.records import Records
from s2i.diffusion import sampling
from s2i.diffusion.base import Pipeline
from s2i.diffusion.controlnets import ControlNetWithEmbedding, controlnets_of, embed
from s2i.diffusion.sampling import SamplingSettings
from s2i.generation.engines.available import INT8
from s2i.imaging.control_images import control_images_of

EXAMPLES = Path("data/augmented")
CALIBRATION_SKETCHES = 4
CALIBRATION_STEPS = 6  # of each of their images, at most
IN_FLOATS = [".*conv_in/.*", ".*conv_out/.*", ".*time_emb.*"]
Inputs = tuple[torch.Tensor, ...]


class _TracedUNet(nn.Module):
    def __init__(self, unet: nn.Module):
        super().__init__()
        self.unet = unet

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        *residuals: torch.Tensor,
    ) -> torch.Tensor:
        added = {"down_block_additional_residuals": residuals[:-1], "mid_block_additional_residual": residuals[-1]}
        return self.unet(sample, timestep, encoder_hidden_states, **added, return_dict=False)[0]


class _TracedControlNet(nn.Module):
    def __init__(self, controlnet: ControlNetWithEmbedding):
        super().__init__()
        self.controlnet = controlnet

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        embedding: torch.Tensor,
    ) -> tuple[torch.Tensor, ...]:
        down, mid = self.controlnet(sample, timestep, encoder_hidden_states, embedding)
        return *down, mid


def file_name(number: int) -> str:
    return f"controlnet_{number}.xml" if number else "unet.xml"


def as_array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().contiguous().numpy()


def calibration_examples() -> list[dict[str, Any]]:
    """Training records of different photos."""
    examples: dict[str, dict[str, Any]] = {}
    for record in Records(EXAMPLES) if (EXAMPLES / "records.parquet").exists() else ():
        if record["split"] == "train":
            examples.setdefault(record["id"], record)
        if len(examples) == CALIBRATION_SKETCHES:
            break
    if not examples:
        raise UserError(
            f"--engine {INT8} is calibrated on training sketches, and {EXAMPLES} has none: run `dvc repro augment`, "
            "or take --engine openvino."
        )
    return list(examples.values())


def generate_examples(pipeline: Pipeline, examples: Sequence[dict[str, Any]], params: Params) -> None:
    """Have a pipeline generate images of examples, for what it computes to be recorded."""
    settings = SamplingSettings.from_params(params.generate, params.resolution)
    images = sampling.generate(
        pipeline,
        [example["prompt"] for example in examples],
        range(len(examples)),
        replace(settings, num_inference_steps=min(settings.num_inference_steps, CALIBRATION_STEPS), batch_size=1),
        control_images=[control_images_of(example, params.conditions) for example in examples],
        description="calibrate",
    )
    for _ in images:
        pass


def convert(pipeline: Pipeline, resolution: int, calibrate: Callable[[], None] | None, folder: Path) -> None:
    """Write the UNet, then the ControlNets, which are given embeddings, each into the `file_name` of its number.

    calibrate: generates images with the pipeline, from which the ranges of int8 are taken; without it, floats.
    """
    controlnets = controlnets_of(pipeline.controlnet)
    calls = _recorded([pipeline.unet, *controlnets], calibrate) if calibrate else None
    halved = pipeline.unet.dtype != torch.float32
    for number, (module, inputs) in enumerate(_traced(pipeline, controlnets, resolution)):
        with torch.no_grad(), warnings.catch_warnings(action="ignore"):  # of what tracing sees as constant
            model = openvino.convert_model(module, example_input=inputs)
            model.reshape({index: _with_any_batch(tensor) for index, tensor in enumerate(inputs)})
            model = _in_int8(model, calls[number]) if calls else model
            openvino.save_model(model, folder / file_name(number), compress_to_fp16=halved)


def _with_any_batch(tensor: torch.Tensor) -> list[int]:
    """The shape of an input, for batches of any size; the timestep, the one vector, is the same for all of a batch."""
    return [-1 if tensor.ndim > 1 else 1, *tensor.shape[1:]]


def _recorded(models: Sequence[nn.Module], calibrate: Callable[[], None]) -> list[list[Inputs]]:
    """What UNet and ControlNets are called with while ``calibrate`` runs, as the converted ones take it."""
    calls: list[list[Inputs]] = [[] for _ in models]
    handles = [
        model.register_forward_pre_hook(_recorder(inputs), with_kwargs=True)
        for model, inputs in zip(models, calls, strict=True)
    ]
    calibrate()
    for handle in handles:
        handle.remove()
    return calls


def _recorder(calls: list[Inputs]) -> Callable:
    def record(_: nn.Module, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        sample, timestep, encoder_hidden_states, *of_controlnet = arguments
        if of_controlnet:
            others = of_controlnet[:1]  # the embedding; the converted model knows no conditioning_scale
        else:
            others = [*options["down_block_additional_residuals"], options["mid_block_additional_residual"]]
        calls.append((sample, timestep.reshape(1), encoder_hidden_states, *others))

    return record


@torch.no_grad()
def _traced(
    pipeline: Pipeline, controlnets: Sequence[ControlNetWithEmbedding], resolution: int
) -> Iterator[tuple[nn.Module, Inputs]]:
    """UNet and ControlNets in float32 as they are converted, with inputs of a batch of one."""
    unet, size = pipeline.unet.float(), resolution // pipeline.vae_scale_factor
    sample, timestep = torch.zeros(1, unet.config.in_channels, size, size), torch.zeros(1)
    encoder_hidden_states = sampling.encode_prompts(pipeline, [""])[""][None].float()
    inputs = []
    for controlnet in controlnets:
        embedding = embed(controlnet.float(), torch.zeros(1, 3, resolution, resolution))
        inputs.append((sample, timestep, encoder_hidden_states, embedding))
        down, mid = controlnet(*inputs[-1])
    yield _TracedUNet(unet), (sample, timestep, encoder_hidden_states, *down, mid)
    yield from zip(map(_TracedControlNet, controlnets), inputs, strict=True)


def _in_int8(model: openvino.Model, calls: Sequence[Inputs]) -> openvino.Model:
    import nncf
    import rich

    nncf.set_log_level(logging.ERROR)
    rich.reconfigure(stderr=True)  # for nncf's progress, which it would mix with what a command prints
    none = nncf.AdvancedSmoothQuantParameters(convolution=-1, matmul=-1)
    return nncf.quantize(
        model,
        nncf.Dataset(calls, lambda inputs: [as_array(tensor) for tensor in inputs]),
        subset_size=len(calls),
        preset=nncf.QuantizationPreset.PERFORMANCE,
        model_type=nncf.ModelType.TRANSFORMER,
        ignored_scope=nncf.IgnoredScope(patterns=IN_FLOATS, validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True, smooth_quant_alphas=none),
    )
