"""How fast an image is drawn, and in how much memory: python benchmarks/generation.py -> generation.{json,png}

Two settings on the CPU: ``demo``, the embedded base at 128 px, and ``sd15``, models of Stable Diffusion 1.5's shape and
its canny ControlNet with random weights at 512 px.  The baseline is the plain loop of ControlNet demos: DDIM, 50 steps,
guidance, fp32, the full decoder, ControlNet and its embedding of the sketch at every step on both halves of the
guidance.  Ours is `s2i.diffusion.sampling` as `s2i generate` uses it, with what a variant names.

Every variant has a process of its own.  It loads the model, draws one image of few steps to warm up, and then
measures ``--rounds`` times; figures are medians.  Measured are seconds to encode the prompts, seconds of one denoising
step, and seconds to decode; ``seconds`` is what they sum to for the steps of the variant, so a baseline of 50 steps
is a multiple of ``--measured`` steps, all alike.  ``megabytes`` is the largest resident set from when the model is
loaded on, model included, and ``loading_megabytes`` the largest before.  Models for OpenVINO were converted by another
process, int8 calibrated on a drawing of two steps.  Other programs on the machine make wall time worthless: run it on
an idle one.
"""

import argparse
import gc
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, DDIMScheduler

from s2i.core import cache, records
from s2i.core.output_folders import whole_folder
from s2i.core.params import Generate
from s2i.diffusion import base, sampling
from s2i.diffusion.base import Pipeline
from s2i.diffusion.sampling import SamplingSettings
from s2i.generation.engines import openvino
from s2i.generation.engines.available import INT8
from s2i.imaging import io, plots
from s2i.imaging.control_images import control_images

HERE = Path(__file__).parent
PROJECT = HERE.parent
PROMPT = "house of red made of brick"
FAST = {"precision": "bf16", "tiny": True}
UNGUIDED = {"guidance_scale": 1.0, "scheduler": "lcm"}
HALF = FAST | {"control_guidance_scale": 7.5}  # that of the words: the ControlNet runs for one prediction of two
VARIANTS = {
    "plain": {"plain": True, "steps": 50, "guidance_scale": 7.5, "scheduler": "ddim"},
    "ours_50_fp32": {"steps": 50, "guidance_scale": 7.5, "scheduler": "ddim"},
    "ours_50_bf16": {"precision": "bf16", "steps": 50, "guidance_scale": 7.5, "scheduler": "ddim"},
    "ours_50": FAST | {"steps": 50, "guidance_scale": 7.5, "scheduler": "ddim"},
    "ours_50_control_once": HALF | {"steps": 50, "guidance_scale": 7.5, "scheduler": "ddim"},
    "ours_20": HALF | {"steps": 20, "guidance_scale": 7.5, "scheduler": "dpm-solver++"},
    "ours_4": FAST | {"steps": 4, "guidance_scale": 1.0, "scheduler": "lcm"},
    "ours_2": FAST | {"steps": 2, "guidance_scale": 1.0, "scheduler": "lcm"},
    "ours_1": FAST | {"steps": 1, "guidance_scale": 1.0, "scheduler": "lcm"},
    "ours_4_openvino": FAST | UNGUIDED | {"steps": 4, "engine": "openvino"},
    "ours_4_int8": FAST | UNGUIDED | {"steps": 4, "engine": INT8},
    "ours_1_int8": FAST | UNGUIDED | {"steps": 1, "engine": INT8},
    "ours_1_compiled": FAST | {"steps": 1, "guidance_scale": 1.0, "scheduler": "lcm", "compile": True},
}
DEMO = {
    "plain": VARIANTS["plain"],
    "ours_20_fp32": {"steps": 20, "guidance_scale": 3.0},
    "ours_20": {"precision": "bf16", "steps": 20, "guidance_scale": 3.0},
    "ours_4": {"precision": "bf16", "steps": 4, "guidance_scale": 1.0, "scheduler": "lcm"},
    "ours_4_openvino": UNGUIDED | {"precision": "bf16", "steps": 4, "engine": "openvino"},
    "ours_4_int8": UNGUIDED | {"precision": "bf16", "steps": 4, "engine": INT8},
}


def measure(model: Path, sketch: Path, resolution: int, variant: dict, measured: int, rounds: int) -> dict:
    """Seconds of each part of a drawing, medians of ``rounds``, and memory; in a process of its own."""
    variant = dict(variant)
    plain, compiled = variant.pop("plain", False), variant.pop("compile", False)
    engine = variant.pop("engine", "torch")
    dtype = torch.bfloat16 if variant.pop("precision", "fp32") == "bf16" else torch.float32
    pipeline = base.load(model, base.load_controlnet(model / "controlnet", dtype=dtype), dtype)
    if variant.pop("tiny", False):
        pipeline.vae = AutoencoderTiny(latent_channels=pipeline.unet.config.in_channels).to(dtype)
    (control_image,) = control_images(io.read_grey(sketch))
    if engine != "torch":
        two_steps = UNGUIDED | {"steps": 2}
        calibrate = (lambda: _ours(pipeline, control_image, resolution, two_steps)) if engine == INT8 else None
        openvino.install(pipeline, resolution, calibrate, cache.model_hash(model))
    if not rounds:
        return {}
    if not plain:
        for part in (pipeline.unet, pipeline.controlnet, pipeline.vae):
            part.to(memory_format=torch.channels_last)
    if compiled:
        pipeline.unet.compile()
        pipeline.controlnet.compile()
    loading = _peak()
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak is counted from here
    run = _plain if plain else _ours
    steps = min(variant["steps"], measured)
    run(pipeline, control_image, resolution, variant | {"steps": min(steps, 2)})
    times = [run(pipeline, control_image, resolution, variant | {"steps": steps}) for _ in range(rounds)]
    encoding, step, decoding = (round(float(seconds), 4) for seconds in np.median(times, axis=0))
    return {
        "steps": variant["steps"],
        "steps_measured": steps,
        "encoding_seconds": encoding,
        "step_seconds": step,
        "decoding_seconds": decoding,
        "seconds": round(encoding + variant["steps"] * step + decoding, 3),
        "megabytes": _high_water(),
        "loading_megabytes": loading,
    }


def _ours(pipeline: Pipeline, control_image: np.ndarray, resolution: int, settings: dict) -> tuple[float, float, float]:
    began = time.perf_counter()
    prompt_embeds = sampling.encode_prompts(pipeline, ["", PROMPT])
    encoded = time.perf_counter()
    steps = sampling.denoise(
        pipeline,
        prompt_embeds[PROMPT][None],
        prompt_embeds[""],
        [0],
        SamplingSettings.from_params(Generate(**settings), resolution),
        [[control_image]],
    )
    *_, last = steps
    denoised = time.perf_counter()
    sampling.decode(pipeline, last.latents)
    return encoded - began, (denoised - encoded) / settings["steps"], time.perf_counter() - denoised


@torch.no_grad()
def _plain(
    pipeline: Pipeline, control_image: np.ndarray, resolution: int, settings: dict
) -> tuple[float, float, float]:
    """The loop of the first ControlNet demos: everything at every step, on both halves of the guidance."""
    image = torch.from_numpy(control_image)[None, None].expand(2, 3, -1, -1).float() / 255
    began = time.perf_counter()
    prompt_embeds = torch.cat([pipeline.encode_prompt(prompt, "cpu", 1, False)[0] for prompt in ("", PROMPT)])
    encoded = time.perf_counter()
    ddim = DDIMScheduler.from_config(pipeline.scheduler.config, clip_sample=False, set_alpha_to_one=False)
    ddim.set_timesteps(settings["steps"])
    size = resolution // pipeline.vae_scale_factor
    shape = 1, pipeline.unet.config.in_channels, size, size
    latents = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    for timestep in ddim.timesteps:
        latent_model_input = torch.cat([latents] * 2)
        down, mid = pipeline.controlnet(latent_model_input, timestep, prompt_embeds, image, return_dict=False)
        residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
        noise_pred = pipeline.unet(latent_model_input, timestep, prompt_embeds, **residuals, return_dict=False)[0]
        noise_pred_uncond, noise_pred_text = noise_pred.chunk(2)
        noise_pred = noise_pred_uncond + settings["guidance_scale"] * (noise_pred_text - noise_pred_uncond)
        latents = ddim.step(noise_pred, timestep, latents, return_dict=False)[0]
    denoised = time.perf_counter()
    pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor)
    return encoded - began, (denoised - encoded) / settings["steps"], time.perf_counter() - denoised


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _high_water() -> int:
    """Megabytes of the largest resident set since it was last reset."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def compare(model: Path, sketch: Path, resolution: int, variants: dict, measured: int, rounds: int) -> dict:
    """Every variant in a process of its own."""
    figures = {}
    for name, variant in variants.items():
        arguments = {"model": str(model), "sketch": str(sketch), "resolution": resolution, "variant": variant}
        arguments |= {"measured": measured, "rounds": rounds}
        if "engine" in variant:  # it is converted before, by a process that leaves nothing in the memory of this one
            _measure_in_a_process(name, arguments | {"rounds": 0}, sketch.parent)
        figures[name] = _measure_in_a_process(name, arguments, sketch.parent)
        print(name, json.dumps(figures[name]), flush=True)
    return figures


def _measure_in_a_process(name: str, arguments: dict, folder: Path) -> dict:
    command = [sys.executable, __file__, "--one", json.dumps(arguments)]
    environment = os.environ | {"S2I_CACHE": str(folder / "cache")}
    process = subprocess.run(command, capture_output=True, text=True, env=environment)
    if process.returncode:
        sys.exit(f"{name} failed:\n{process.stderr[-3000:]}")
    return json.loads(process.stdout.splitlines()[-1])


def held_out(folder: Path, size: int) -> Path:
    """The first held-out sketch, enlarged."""
    import cv2

    record = next(record for record in records.Records(PROJECT / "data/augmented") if record["split"] == "test")
    io.write_png(folder / f"{size}.png", cv2.resize(io.read_grey(record["sketch"]), (size, size)))
    return folder / f"{size}.png"


def store_in_bf16(model: Path) -> None:
    """Store the weights in bf16, as released ones are in half precision: loading then takes no more than drawing."""
    dtype = torch.bfloat16
    base.load(model, base.load_controlnet(model / "controlnet", dtype=dtype), dtype).save_pretrained(model)


def plot(report: dict, path: Path) -> None:
    """Seconds of an image by variant, on a logarithmic axis, a panel a setting."""
    figure, panels = plots.pyplot().subplots(1, len(report), figsize=(6 * len(report), 4), squeeze=False)
    for panel, (setting, figures) in zip(panels[0], report.items(), strict=True):
        names = list(figures["variants"])
        seconds = [figures["variants"][variant]["seconds"] for variant in names]
        bars = panel.barh(names[::-1], seconds[::-1], color=["#0d9488"] * (len(names) - 1) + ["#a8a29e"])
        panel.bar_label(bars, [f"{value:.3g} s" for value in seconds[::-1]], padding=3)
        panel.set(xscale="log", xlabel="seconds an image", title=f"{setting}, {figures['resolution']} px")
        panel.margins(x=0.2)
        panel.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    plots.save(figure, path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=["demo", "sd15"], default=["demo", "sd15"])
    parser.add_argument("--variants", nargs="+", help="measure only these anew")
    parser.add_argument("--measured", type=int, default=5, help="steps that are measured at most (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is taken (default: 3)")
    parser.add_argument("--kept", type=Path, help="folder that keeps the models, converted ones too, for the next run")
    parser.add_argument("--out", type=Path, default=HERE / "generation.json")
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        paths = {key: Path(options.one.pop(key)) for key in ("model", "sketch")}
        print(json.dumps(measure(**paths, **options.one)))
        return
    report = json.loads(options.out.read_text()) if options.out.exists() else {}
    for part in options.only:
        with nullcontext(options.kept) if options.kept else tempfile.TemporaryDirectory() as folder:
            size, variants = (128, DEMO) if part == "demo" else (512, VARIANTS)
            variants = {name: variants[name] for name in variants if name in (options.variants or variants)}
            model = PROJECT / "data/base"
            if part == "sd15":
                from training import save_sd15  # beside this file

                model = Path(folder) / "base"
                if not model.exists():
                    with whole_folder(model) as draft:
                        store_in_bf16(save_sd15(draft))
            sketch = held_out(Path(folder), size)
            measured = compare(model, sketch, size, variants, options.measured, options.rounds)
        earlier = report.get(part, {}).get("variants", {}) if options.variants else {}
        report[part] = {"resolution": size, "threads": torch.get_num_threads(), "rounds": options.rounds}
        report[part]["variants"] = earlier | measured
        for figures in report[part]["variants"].values():
            figures["share_of_plain"] = round(figures["seconds"] / report[part]["variants"]["plain"]["seconds"], 5)
        options.out.write_text(json.dumps(report, indent=2) + "\n")
        plot(report, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
