"""UNet and ControlNets computed by OpenVINO on a CPU in the place of torch, in the pipeline's number format or in int8.

In int8 are weights and activations of convolutions and linear layers, with ranges calibrated on drawings of a few
training sketches: post-training quantisation by nncf.  Measured on the embedded base, by the error of held-out
predictions: SmoothQuant makes it larger (0.043 of their size, 0.032 without), and so does a time embedding in int8
(0.042), most at the last steps; neither it nor the first and last convolution, all of them cheap, are in int8.  There
torchao's int8 of linear layers, not compiled, took 4.4 times as long for a prediction.
"""

import gc
import logging
import mmap
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import version
from pathlib import Path

import numpy as np
import openvino
import torch
from diffusers import StableDiffusionControlNetPipeline
from torch import nn

from s2i import cache, controls, sampling
from s2i.engines import INT8, openvino_core
from s2i.errors import UserError
from s2i.files import whole_folder
from s2i.params import Params
from s2i.records import Records
from s2i.trained import Trained

PRECISIONS = {torch.float32: "f32", torch.bfloat16: "bf16"}
EXAMPLES = Path("data/augmented")
SKETCHES = 4  # that int8 is calibrated on
STEPS = 6  # of each of their drawings, at most
IN_FLOATS = [".*conv_in/.*", ".*conv_out/.*", ".*time_emb.*"]

Inputs = tuple[torch.Tensor, ...]


def replace(pipeline: StableDiffusionControlNetPipeline, trained: Trained, engine: str) -> None:
    """Have an engine of OpenVINO draw in the place of a trained model's pipeline: `install`, kept by content.

    Raises UserError when int8 has no sketches to be calibrated on.
    """
    params = trained.params
    parts = [cache.model_hash(part) for part in (trained.base, *trained.controlnets, trained.unet_lora) if part]
    if engine != INT8:
        return install(pipeline, params.resolution, None, parts)
    examples = _examples()
    sketches = [(cache.file_hash(one["sketch"]), one["prompt"], bool(one.get("flip"))) for one in examples]
    return install(
        pipeline,
        params.resolution,
        lambda: _calibrate(pipeline, examples, params),
        *(parts, sketches, params.conditions, controls.code(), params.generate.sampling),
    )


def install(pipeline, resolution: int, calibrate: Callable[[], None] | None, *key) -> None:
    """Put models of OpenVINO into the place of a pipeline's UNet and ControlNets, whose weights in torch are let go.

    They draw pictures (resolution, resolution), any number at once, in the pipeline's number format; with ``calibrate``
    in int8, the ranges being those of what UNet and ControlNets see while it runs.  Converted models are kept in the
    cache under ``key``, and mapped into memory from there.
    """
    dtype = pipeline.unet.dtype
    packages = [version(name) for name in ("openvino", "nncf")[: 2 if calibrate else 1]]
    folder = cache.root() / "openvino" / cache.fingerprint(key, str(dtype), resolution, packages, cache.code(__name__))
    nets = getattr(pipeline.controlnet, "nets", [pipeline.controlnet])
    if not folder.is_dir():
        with whole_folder(folder) as draft:
            _convert(pipeline, nets, resolution, calibrate, draft)
    pipeline.unet = UNet(folder / _file(0), pipeline.unet.config, dtype)
    placed = [
        ControlNet(folder / _file(number), net.config, dtype, net.controlnet_cond_embedding.to(dtype))
        for number, net in enumerate(nets, start=1)
    ]
    pipeline.controlnet = placed[0] if len(placed) == 1 else Several(placed)
    gc.collect()


class _Compiled(nn.Module):
    """A model of OpenVINO on the CPU, called as the one of diffusers that it stands for."""

    device = torch.device("cpu")

    def __init__(self, file: Path, config, dtype: torch.dtype):
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
        found = self.request.infer([_array(one) for one in inputs], share_inputs=True)
        if hasattr(mmap, "MADV_DONTNEED"):  # OpenVINO has its own copies now, in the layouts it computes with
            self.weights.madvise(mmap.MADV_DONTNEED)
        return [torch.from_numpy(one) for one in found.to_tuple()]


class UNet(_Compiled):
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
        residuals = [*(down_block_additional_residuals or ()), mid_block_additional_residual]
        if down_block_additional_residuals is None:
            shapes = [list(one.partial_shape)[1:] for one in self.request.model_inputs[3:]]
            residuals = [torch.zeros(len(sample), *(side.get_length() for side in shape)) for shape in shapes]
        (prediction,) = self.infer(sample, timestep.reshape(1), encoder_hidden_states, *residuals)
        return (prediction.to(self.dtype),)


class ControlNet(_Compiled):
    """In the place of a ControlNetModel, whose embedding of the control image stays in torch."""

    def __init__(self, file: Path, config, dtype: torch.dtype, controlnet_cond_embedding: nn.Module):
        super().__init__(file, config, dtype)
        self.controlnet_cond_embedding = controlnet_cond_embedding

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        controlnet_cond: torch.Tensor,
        conditioning_scale: float = 1.0,
        return_dict: bool = False,
    ) -> tuple[list[torch.Tensor], torch.Tensor]:
        """The residuals of the down blocks and of the middle one, each (B, C, h, w) float32."""
        embedding = self.controlnet_cond_embedding(controlnet_cond)
        found = self.infer(sample, timestep.reshape(1), encoder_hidden_states, embedding)
        *down, mid = [one.mul_(conditioning_scale) for one in found]
        return down, mid


class Several(nn.Module):
    """The ControlNets of several conditions."""

    def __init__(self, nets: Sequence[ControlNet]):
        super().__init__()
        self.nets = nn.ModuleList(nets)


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


def _file(number: int) -> str:
    return f"controlnet_{number}.xml" if number else "unet.xml"


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().contiguous().numpy()


def _examples() -> list[dict]:
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


def _calibrate(pipeline, examples: Sequence[dict], params: Params) -> None:
    drawn = sampling.draw(
        pipeline,
        [example["prompt"] for example in examples],
        range(len(examples)),
        controls=[controls.of(example, params.conditions) for example in examples],
        batch_size=1,
        description="calibrate",
        resolution=params.resolution,
        **params.generate.sampling | {"steps": min(params.generate.steps, STEPS)},
    )
    for _ in drawn:
        pass


def _convert(pipeline, nets: Sequence[nn.Module], resolution: int, calibrate: Callable | None, folder: Path) -> None:
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
            openvino.save_model(model, folder / _file(number), compress_to_fp16=halved)


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
        picture = torch.zeros(1, 3, resolution, resolution)
        down, mid = net.float()(sample, timestep, words, picture, return_dict=False)
        given.append((sample, timestep, words, net.controlnet_cond_embedding(picture)))
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
        nncf.Dataset(calls, lambda inputs: [_array(one) for one in inputs]),
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
