"""What int8 costs in quality, and OpenVINO saves in time: python benchmarks/quantised.py -> quantised.{json,png}

Held-out sketches are drawn by the last trained model on the CPU from the same seeds, one image at a time: by torch in
fp32 and in bf16, by OpenVINO in bf16 and in int8 (`s2i.generation.engines.openvino`).  All are in one process and
take turns at every image; once as params.yaml has it, and once in 4 steps without guidance.  Seconds are medians of
a whole image, wall and CPU; ``seconds_ratio`` is the median, over images, of the seconds of torch in fp32 by
the engine's.
Quality is st_lpips (lower is better) and edge_f1 (higher) to the photo, and what each has more than fp32, image by
image, with 95 % bootstrap intervals; ``to_fp32`` is st_lpips between the two drawn images.  Run `dvc repro` before.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch

from s2i.core import devices
from s2i.core.params import Generate
from s2i.core.records import Records
from s2i.diffusion import base, image_cache, sampling
from s2i.diffusion.sampling import SamplingSettings
from s2i.generation import engines, find_model
from s2i.generation.engines import conversion, openvino
from s2i.imaging import control_images, io, tensors
from s2i.imaging.mosaics import evenly_spaced, mosaic
from s2i.metrics.intervals import bootstrap
from s2i.metrics.structure import edge_f1
from s2i.networks.st_lpips import ShiftTolerantLPIPS

HERE = Path(__file__).parent
ENGINES = {
    "fp32": ("torch", "fp32"),
    "bf16": ("torch", "bf16"),
    "openvino_bf16": ("openvino", "bf16"),
    "openvino_int8": (engines.INT8, "bf16"),
}
SHOWN = 8  # in the mosaic


def load(found: find_model.Trained, engine: str, precision: str):
    """The pipeline of a trained model on an engine."""
    dtype = devices.DTYPES[precision]
    pipeline = base.load(found.base, base.load_controlnet(*found.controlnets, dtype=dtype), dtype)
    for part in (pipeline.unet, pipeline.controlnet, pipeline.vae):
        part.to(memory_format=torch.channels_last)
    if engine != "torch":
        openvino.replace(pipeline, found, engine)
    return pipeline


def draw(pipeline, example: dict, found: find_model.Trained, settings: Generate) -> tuple[np.ndarray, float, float]:
    """An image (H, W, 3) uint8, and the wall and CPU seconds that it took."""
    seed = image_cache.seed_of(0, example["id"], example["variant"])
    shown = [control_images.control_images_of(example, found.params.conditions)]
    began, cpu = time.perf_counter(), time.process_time()
    chosen = SamplingSettings.from_params(settings, found.params.resolution)
    (image,) = sampling.generate(pipeline, [example["prompt"]], [seed], chosen, control_images=shown)
    return image, time.perf_counter() - began, time.process_time() - cpu


@torch.no_grad()
def st_lpips(distance: ShiftTolerantLPIPS, drawn: list[np.ndarray], others: list[np.ndarray]) -> np.ndarray:
    pairs = zip(drawn, others, strict=True)
    return np.array([distance(*(tensors.to_unit_range(tensors.stack([one])) for one in pair)).item() for pair in pairs])


def drawings(pipelines: dict, examples: list[dict], found: find_model.Trained, settings: Generate) -> dict[str, list]:
    """What `draw` gives of every example, by engine; another one begins each time."""
    for pipeline in pipelines.values():
        draw(pipeline, examples[0], found, settings.model_copy(update={"steps": 1}))
    drawn, order = {name: [] for name in pipelines}, list(pipelines)
    for example in examples:
        for name in order:
            drawn[name].append(draw(pipelines[name], example, found, settings))
        order.append(order.pop(0))
    return drawn


def compare(drawn: dict[str, list], examples: list[dict], photos: list[np.ndarray]) -> dict[str, dict]:
    """The figures of every engine."""
    distance, groups = ShiftTolerantLPIPS.load(), [example["id"] for example in examples]
    images = {name: [one[0] for one in taken] for name, taken in drawn.items()}
    seconds = {name: np.array([one[1:] for one in taken]).T for name, taken in drawn.items()}
    scores = {
        name: {
            "st_lpips": st_lpips(distance, several, photos),
            "edge_f1": np.array([edge_f1(*pair) for pair in zip(several, photos, strict=True)]),
        }
        for name, several in images.items()
    }
    figures = {}
    for name, (wall, cpu) in seconds.items():
        figures[name] = {
            "seconds": round(float(np.median(wall)), 4),
            "cpu_seconds": round(float(np.median(cpu)), 4),
            "seconds_ratio": round(float(np.median(seconds["fp32"][0] / wall)), 3),
            "to_fp32": rounded(bootstrap(st_lpips(distance, images[name], images["fp32"]), groups)),
        }
        for metric, values in scores[name].items():
            more = rounded(bootstrap(values - scores["fp32"][metric], groups))
            figures[name][metric] = rounded(bootstrap(values, groups)) | {"more_than_fp32": more}
    return figures


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sketches", type=int, default=54, help="one of each held-out photo at most (default: 54)")
    parser.add_argument("--out", type=Path, default=HERE / "quantised.json")
    chosen = parser.parse_args()
    found, by_photo = find_model.find(), {}
    for record in Records(conversion.EXAMPLES):
        if record["split"] == "test":
            by_photo.setdefault(record["id"], []).append(record)
    several = list(by_photo.values())
    examples = [several[place][place % len(several[place])] for place in evenly_spaced(len(several), chosen.sketches)]
    photos = [io.read(example["photo"]) for example in examples]
    pipelines = {name: load(found, *engine) for name, engine in ENGINES.items()}
    usual = found.params.generate
    told = {"resolution": found.params.resolution, "sketches": len(examples), "threads": torch.get_num_threads()}
    few = usual.model_copy(update={"steps": 4, "guidance_scale": 1.0})
    for name, settings in {"params": usual, "4_steps": few}.items():
        drawn = drawings(pipelines, examples, found, settings)
        told[name] = {"settings": settings.sampling, "engines": compare(drawn, examples, photos)}
        print(name, json.dumps(told[name]), flush=True)
        if settings == usual:
            columns = {"photo": photos} | {engine: [one[0] for one in taken] for engine, taken in drawn.items()}
            rows = evenly_spaced(len(examples), SHOWN)
            shown = {column: [images[row] for row in rows] for column, images in columns.items()}
            io.write_png(chosen.out.with_suffix(".png"), mosaic(shown))
    chosen.out.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
