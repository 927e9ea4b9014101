"""UNet and ControlNets converted to OpenVINO's format, in floats or in int8."""

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import torch
from torch import nn

from s2i.core.errors import UserError
from s2i.core.params import Params
from s2i.core.records import Records
from s2i.diffusion import sampling
from s2i.diffusion.sampling import SamplingSettings
from s2i.generation.engines import INT8
from s2i.imaging import control_images

EXAMPLES = Path("data/augmented")
SKETCHES = 4  # that int8 is calibrated on
STEPS = 6  # of each of their drawings, at most
IN_FLOATS = [".*conv_in/.*", ".*conv_out/.*", ".*time_emb.*"]
Inputs = tuple[torch.Tensor, ...]


class _TracedUNet(nn.Module):
    def __init__(self, unet: nn.Module):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, words, *residuals):
        added = {"down_block_additional_residuals": residuals[:-1], "mid_block_additional_residual": residuals[-1]}
        return self.unet(sample, timestep, words, **added, return_dict=False)[0]


class _TracedControlNet(nn.Module):
    """A ControlNet that takes the embedding of a control image in its place."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net
        self.turned = net.config.controlnet_conditioning_channel_order == "bgr"  # the net turns what it is given

    def forward(self, sample, timestep, words, embedding):
        shown = embedding.flip(1) if self.turned else embedding
        down, mid = self.net(sample, timestep, words, shown, return_dict=False)
        return *down, mid


def file_name(number: int) -> str:
    return f"controlnet_{number}.xml" if number else "unet.xml"


def as_array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().contiguous().numpy()


def calibration_examples() -> list[dict]:
    """Training records of different photos."""
    found: dict[str, dict] = {}
    for record in Records(EXAMPLES) if (EXAMPLES / "records.parquet").exists() else ():
        if record["split"] == "train":
            found.setdefault(record["id"], record)
        if len(found) == SKETCHES:
            break
    if not found:
        raise UserError(
            f"--engine {INT8} is calibrated on training sketches, and {EXAMPLES} has none: run `dvc repro augment`, "
            "or take --engine openvino."
        )
    return list(found.values())


def draw_examples(pipeline, examples: Sequence[dict], params: Params) -> None:
    settings = SamplingSettings.from_params(params.generate, params.resolution)
    images = sampling.generate(
        pipeline,
        [example["prompt"] for example in examples],
        range(len(examples)),
        replace(settings, num_inference_steps=min(settings.num_inference_steps, STEPS), batch_size=1),
        control_images=[control_images.control_images_of(example, params.conditions) for example in examples],
        description="calibrate",
    )
    for _ in images:
        pass


def convert(pipeline, nets: Sequence[nn.Module], resolution: int, calibrate: Callable | None, folder: Path) -> None:
    """Write the UNet, then the ControlNets, each into the `_file` of its number."""
    models = [pipeline.unet, *nets]
    calls: list[list[Inputs]] = [[] for _ in models]
    if calibrate:
        handles = [
            model.register_forward_pre_hook(_recorder(seen), with_kwargs=True)
            for model, seen in zip(models, calls, strict=True)
        ]
        calibrate()
        for handle in handles:
            handle.remove()
    halved = pipeline.unet.dtype != torch.float32
    for number, (module, inputs) in enumerate(_traced(pipeline, nets, resolution)):
        with torch.no_grad(), _quietly():
            model = openvino.convert_model(module, example_input=inputs)
            model.reshape({place: [-1 if one.ndim > 1 else 1, *one.shape[1:]] for place, one in enumerate(inputs)})
            model = _in_int8(model, calls[number]) if calibrate else model
            openvino.save_model(model, folder / file_name(number), compress_to_fp16=halved)


def _recorder(calls: list[Inputs]) -> Callable:
    """A hook that keeps what a UNet or a ControlNet is called with, as the converted one takes it."""

    def record(model: nn.Module, arguments: tuple, others: dict) -> None:
        sample, timestep, words, *shown = arguments
        if shown:
            added = [model.controlnet_cond_embedding(shown[0])]
        else:
            added = [*others["down_block_additional_residuals"], others["mid_block_additional_residual"]]
        calls.append((sample, timestep.reshape(1), words, *added))

    return record


@torch.no_grad()
def _traced(pipeline, nets: Sequence[nn.Module], resolution: int) -> Iterator[tuple[nn.Module, Inputs]]:
    """UNet and ControlNets in float32 as they are converted, with inputs of a batch of one."""
    unet, size = pipeline.unet.float(), resolution // pipeline.vae_scale_factor
    sample, timestep = torch.zeros(1, unet.config.in_channels, size, size), torch.zeros(1)
    words = sampling.encode_prompts(pipeline, [])[""][None].float()
    given = []
    for net in nets:
        image = torch.zeros(1, 3, resolution, resolution)
        down, mid = net.float()(sample, timestep, words, image, return_dict=False)
        given.append((sample, timestep, words, net.controlnet_cond_embedding(image)))
    yield _TracedUNet(unet), (sample, timestep, words, *down, mid)
    for net, inputs in zip(nets, given, strict=True):
        embedder, net.controlnet_cond_embedding = net.controlnet_cond_embedding, nn.Identity()
        yield _TracedControlNet(net), inputs
        net.controlnet_cond_embedding = embedder


def _in_int8(model: openvino.Model, calls: Sequence[Inputs]) -> openvino.Model:
    import nncf

    nncf.set_log_level(logging.ERROR)
    none = nncf.AdvancedSmoothQuantParameters(convolution=-1, matmul=-1)
    return nncf.quantize(
        model,
        nncf.Dataset(calls, lambda inputs: [as_array(one) for one in inputs]),
        subset_size=len(calls),
        preset=nncf.QuantizationPreset.PERFORMANCE,
        model_type=nncf.ModelType.TRANSFORMER,
        ignored_scope=nncf.IgnoredScope(patterns=IN_FLOATS, validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=True, smooth_quant_alphas=none),
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """OpenVINO and nncf tell their makers what they convert, except in continuous integration, and print progress."""
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        with redirect_stdout(sys.stderr), warnings.catch_warnings(action="ignore"):  # of what tracing sees as constant
            yield
    finally:
        del os.environ["CI"]
        if before is not None:
            os.environ["CI"] = before
