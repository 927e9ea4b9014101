"""UNet and ControlNets computed by OpenVINO on a CPU in the place of torch, in the pipeline's number format or in int8.

In int8 are weights and activations of convolutions and linear layers, with ranges calibrated on drawings of a few
training sketches: post-training quantisation by nncf.  Measured on the embedded base, by the error of held-out
predictions: SmoothQuant makes it larger (0.043 of their size, 0.032 without), and so does a time embedding in int8
(0.042), most at the last steps; neither it nor the first and last convolution, all of them cheap, are in int8.  There
torchao's int8 of linear layers, not compiled, took 4.4 times as long for a prediction.
"""

import gc
import mmap
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import openvino
import torch
from torch import nn

from s2i.core import cache
from s2i.diffusion.base import Pipeline
from s2i.diffusion.controlnets import MultiControlNet, Residuals, controlnets_of, give_embeddings
from s2i.generation.engines.available import INT8
from s2i.generation.engines.conversion import as_array, calibration_examples, convert, file_name, generate_examples
from s2i.generation.find_model import TrainedModel
from s2i.networks.openvino import openvino_core

PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}


def replace(pipeline: Pipeline, trained: TrainedModel, engine: str) -> None:
    """Have an engine of OpenVINO compute what a trained model's pipeline does: `install`, cached by content.

    Raises UserError when int8 has no sketches to be calibrated on.
    """
    params = trained.params
    parts = [cache.model_hash(part) for part in (trained.base, *trained.controlnets, trained.unet_lora) if part]
    if engine != INT8:
        return install(pipeline, params.resolution, None, parts)
    examples = calibration_examples()
    sketches = [
        (cache.file_hash(example["sketch"]), example["prompt"], bool(example.get("flip"))) for example in examples
    ]
    return install(
        pipeline,
        params.resolution,
        lambda: generate_examples(pipeline, examples, params),
        *(parts, sketches, params.conditions, cache.code(__name__), params.generate.sampling),
    )


def install(pipeline: Pipeline, resolution: int, calibrate: Callable[[], None] | None, *key: Any) -> None:
    """Put models of OpenVINO into the place of a pipeline's UNet and ControlNets, whose weights in torch are let go.

    They draw images (resolution, resolution), any number at once, in the pipeline's number format; with ``calibrate``
    in int8, the ranges being those of what UNet and ControlNets see while it runs.  Converted models are kept in the
    cache under ``key``, and mapped into memory from there.
    """
    dtype = pipeline.unet.dtype
    packages = [version(name) for name in ("openvino", "nncf")[: 2 if calibrate else 1]]
    name = cache.fingerprint(key, str(dtype), resolution, packages, cache.code(__name__))
    give_embeddings(pipeline)
    folder = cache.folder("openvino", name, lambda draft: convert(pipeline, resolution, calibrate, draft))
    pipeline.unet = UNet(folder / file_name(0), pipeline.unet.config, dtype)
    controlnets = [
        ControlNet(folder / file_name(number), net.config, dtype, net.controlnet_cond_embedding.to(dtype))
        for number, net in enumerate(controlnets_of(pipeline.controlnet), start=1)
    ]
    pipeline.controlnet = controlnets[0] if len(controlnets) == 1 else MultiControlNet(controlnets)
    gc.collect()


class CompiledModel(nn.Module):
    """A model of OpenVINO on the CPU, called as the one of diffusers that it stands for."""

    device = torch.device("cpu")

    def __init__(self, file: Path, config: Any, dtype: torch.dtype):
        super().__init__()
        self.config, self.dtype = config, dtype
        settings = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[dtype],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
        }
        with open(file.with_suffix(".bin"), "rb") as opened:
            self.weights = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY)  # a Tensor wants to write
        shared = openvino.Tensor(np.frombuffer(self.weights, np.uint8), shared_memory=True)
        model = openvino_core().read_model(file.read_bytes(), shared)
        self.request = openvino_core().compile_model(model, "CPU", settings).create_infer_request()

    def infer(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        """The outputs for inputs, float32."""
        outputs = self.request.infer([as_array(tensor) for tensor in inputs], share_inputs=True)
        if hasattr(mmap, "MADV_DONTNEED"):  # OpenVINO has its own copies now, in the layouts it computes with
            self.weights.madvise(mmap.MADV_DONTNEED)
        return [torch.from_numpy(output) for output in outputs.to_tuple()]


class UNet(CompiledModel):
    """In the place of a UNet2DConditionModel that ControlNets add to."""

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        down_block_additional_residuals: Sequence[torch.Tensor] | None = None,
        mid_block_additional_residual: torch.Tensor | None = None,
        return_dict: bool = False,
    ) -> tuple[torch.Tensor]:
        """The prediction (B, C, h, w) for latents (B, C, h, w), all at one timestep; no residuals are zeros."""
        if down_block_additional_residuals is not None and mid_block_additional_residual is not None:
            residuals = [*down_block_additional_residuals, mid_block_additional_residual]
        else:
            shapes = [list(residual.partial_shape)[1:] for residual in self.request.model_inputs[3:]]
            residuals = [torch.zeros(len(sample), *(length.get_length() for length in shape)) for shape in shapes]
        (model_output,) = self.infer(sample, timestep.reshape(1), encoder_hidden_states, *residuals)
        return (model_output.to(self.dtype),)


class ControlNet(CompiledModel):
    """In the place of a ControlNetWithEmbedding; what embeds control images stays in torch."""

    def __init__(self, file: Path, config: Any, dtype: torch.dtype, controlnet_cond_embedding: nn.Module):
        super().__init__(file, config, dtype)
        self.controlnet_cond_embedding = controlnet_cond_embedding

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        embedding: torch.Tensor,
        conditioning_scale: float = 1.0,
    ) -> Residuals:
        """The residuals of the down blocks and of the middle one, each (B, C, h, w) float32."""
        outputs = self.infer(sample, timestep.reshape(1), encoder_hidden_states, embedding)
        *down, mid = [residual.mul_(conditioning_scale) for residual in outputs]
        return down, mid
