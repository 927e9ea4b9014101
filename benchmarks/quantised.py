"""What int8 costs in quality, and OpenVINO saves in time: python benchmarks/quantised.py -> quantised.{json,png}

The last trained model generates images of held-out sketches on the CPU from the same seeds, one image at a time: by
torch in fp32 and in bf16, by OpenVINO in bf16 and in int8 (`s2i.generation.engines.openvino`).  All are in one process
and take turns at every image; once as params.yaml has it, and once in 4 steps without guidance.  Seconds are medians of
a whole image, wall and CPU; ``seconds_ratio`` is the median, over images, of the seconds of torch in fp32 by
the engine's.
Quality is st_lpips (lower is better) and edge_f1 (higher) to the photo, and what each has more than fp32, image by
image, with 95 % intervals; ``to_fp32`` is st_lpips between the two generated images.  Run `dvc repro` before.
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
from s2i.diffusion.base import Pipeline
from s2i.diffusion.sampling import SamplingSettings
from s2i.generation import find_model
from s2i.generation.engines import available, conversion, openvino
from s2i.generation.find_model import TrainedModel
from s2i.imaging import io, tensors
from s2i.imaging.control_images import control_images_of
from s2i.imaging.mosaics import evenly_spaced, mosaic
from s2i.metrics.intervals import mean_interval
from s2i.metrics.structure import edge_f1
from s2i.networks.st_lpips import ShiftTolerantLPIPS

HERE = Path(__file__).parent
ENGINES = {
    "fp32": ("torch", "fp32"),
    "bf16": ("torch", "bf16"),
    "openvino_bf16": ("openvino", "bf16"),
    "openvino_int8": (available.INT8, "bf16"),
}
MOSAIC_ROWS = 8


def load(model: TrainedModel, engine: str, precision: str) -> Pipeline:
    """The pipeline of a trained model on an engine."""
    dtype = devices.DTYPES[precision]
    pipeline = base.load(model.base, base.load_controlnet(*model.controlnets, dtype=dtype), dtype)
    for part in (pipeline.unet, pipeline.controlnet, pipeline.vae):
        part.to(memory_format=torch.channels_last)
    if engine != "torch":
        openvino.replace(pipeline, model, engine)
    return pipeline


def generate(
    pipeline: Pipeline, example: dict, model: TrainedModel, settings: Generate
) -> tuple[np.ndarray, float, float]:
    """An image (H, W, 3) uint8, and the wall and CPU seconds that it took."""
    seed = image_cache.seed_of(0, example["id"], example["variant"])
    control_images = [control_images_of(example, model.params.conditions)]
    began, cpu = time.perf_counter(), time.process_time()
    sampling_settings = SamplingSettings.from_params(settings, model.params.resolution)
    (image,) = sampling.generate(
        pipeline, [example["prompt"]], [seed], sampling_settings, control_images=control_images
    )
    return image, time.perf_counter() - began, time.process_time() - cpu


@torch.no_grad()
def st_lpips(distance: ShiftTolerantLPIPS, images: list[np.ndarray], others: list[np.ndarray]) -> np.ndarray:
    pairs = zip(images, others, strict=True)
    return np.array(
        [distance(*(tensors.to_unit_range(tensors.stack([image])) for image in pair)).item() for pair in pairs]
    )


def generate_in_turn(
    pipelines: dict[str, Pipeline], examples: list[dict], model: TrainedModel, settings: Generate
) -> dict[str, list]:
    """What `generate` gives of every example, by engine; another one begins each time."""
    for pipeline in pipelines.values():
        generate(pipeline, examples[0], model, settings.model_copy(update={"steps": 1}))
    results, order = {name: [] for name in pipelines}, list(pipelines)
    for example in examples:
        for name in order:
            results[name].append(generate(pipelines[name], example, model, settings))
        order.append(order.pop(0))
    return results


def compare(results: dict[str, list], examples: list[dict], photos: list[np.ndarray]) -> dict[str, dict]:
    """The figures of every engine."""
    distance, groups = ShiftTolerantLPIPS.load(), [example["id"] for example in examples]
    images = {name: [image for image, *_ in rows] for name, rows in results.items()}
    seconds = {name: np.array([times for _, *times in rows]).T for name, rows in results.items()}
    scores = {
        name: {
            "st_lpips": st_lpips(distance, generated, photos),
            "edge_f1": np.array([edge_f1(*pair) for pair in zip(generated, photos, strict=True)]),
        }
        for name, generated in images.items()
    }
    figures = {}
    for name, (wall, cpu) in seconds.items():
        figures[name] = {
            "seconds": round(float(np.median(wall)), 4),
            "cpu_seconds": round(float(np.median(cpu)), 4),
            "seconds_ratio": round(float(np.median(seconds["fp32"][0] / wall)), 3),
            "to_fp32": rounded(mean_interval(st_lpips(distance, images[name], images["fp32"]), groups)),
        }
        for metric, values in scores[name].items():
            more = rounded(mean_interval(values - scores["fp32"][metric], groups))
            figures[name][metric] = rounded(mean_interval(values, groups)) | {"more_than_fp32": more}
    return figures


def rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}


def held_out(count: int) -> list[dict]:
    """Test examples of that many photos, evenly spaced, their variants in turn."""
    by_photo: dict[str, list[dict]] = {}
    for record in Records(conversion.EXAMPLES):
        if record["split"] == "test":
            by_photo.setdefault(record["id"], []).append(record)
    photos = list(by_photo.values())
    return [photos[index][index % len(photos[index])] for index in evenly_spaced(len(photos), count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sketches", type=int, default=54, help="one of each held-out photo at most (default: 54)")
    parser.add_argument("--out", type=Path, default=HERE / "quantised.json")
    options = parser.parse_args()
    model = find_model.find()
    examples = held_out(options.sketches)
    photos = [io.read(example["photo"]) for example in examples]
    pipelines = {name: load(model, *engine) for name, engine in ENGINES.items()}
    usual = model.params.generate
    few_steps = usual.model_copy(update={"steps": 4, "guidance_scale": 1.0})
    report = {"resolution": model.params.resolution, "sketches": len(examples), "threads": torch.get_num_threads()}
    for name, settings in {"params": usual, "4_steps": few_steps}.items():
        results = generate_in_turn(pipelines, examples, model, settings)
        report[name] = {"settings": settings.sampling, "engines": compare(results, examples, photos)}
        print(name, json.dumps(report[name]), flush=True)
        if settings == usual:
            columns = {"photo": photos} | {engine: [image for image, *_ in rows] for engine, rows in results.items()}
            indices = evenly_spaced(len(examples), MOSAIC_ROWS)
            rows_of = {column: [images[index] for index in indices] for column, images in columns.items()}
            io.write_png(options.out.with_suffix(".png"), mosaic(rows_of))
    options.out.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
