"""How the data stages scale: python benchmarks/data.py -> benchmarks/data.json, benchmarks/data.png

Synthetic photos, copies of the embedded ones that differ in crop, colour and noise and are all kept, however alike, go
through the stages from ingest to augment in a folder of their own with an empty cache.  Measured are wall time, CPU
time of all processes, which other programs on the machine disturb less, and the peak memory of the largest process for
several numbers of photos, what one more photo costs, what two workers gain over one, and images matted a second
beside rembg's own command line (pip install "rembg[cli]") on the same files.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

from s2i.core.parallel import fan_out
from s2i.core.params import Workers
from s2i.imaging import io, plots
from s2i.networks import weights

HERE = Path(__file__).parent
PROJECT = HERE.parent
STAGES = {  # inputs and outputs, below data/
    "ingest": ["photos", "ingested", "ingest.json"],
    "pair": ["ingested", "paired"],
    "matte": ["paired", "matted"],
    "caption": ["matted", "captioned"],
    "survey": ["captioned", "ingested", "surveyed", "data.json"],
    "augment": ["captioned", "augmented"],
}
PARTS = ("matting", "workers", "many", "scaling")


class Workshop:
    """A folder with its own photos, parameters and cache, in which stages are run and measured."""

    def __init__(self, folder: Path, photos: int, **changes):
        self.folder = folder
        values = yaml.safe_load((PROJECT / "params.yaml").read_text())
        for name, change in changes.items():
            values[name] = values[name] | change if isinstance(change, dict) else change
        (folder / "data/photos").mkdir(parents=True)
        (folder / "params.yaml").write_text(yaml.safe_dump(values))
        shutil.copytree(PROJECT / "data/base", folder / "data/base")
        self.add_photos(0, photos)

    def add_photos(self, first: int, count: int) -> None:
        """More photos, each different; first: the number of the first."""
        numbers = [(number, self.folder / "data/photos") for number in range(first, first + count)]
        for _ in fan_out(write_varied_copy, numbers, "making photos", Workers()):
            pass

    def run(self, stage: str) -> dict[str, float]:
        """Wall and CPU seconds of a stage, and the peak memory of its largest process in megabytes."""
        command: list[str | Path] = [sys.executable, PROJECT / "stages" / f"{stage}.py"]
        return self.measure([*command, *(Path("data") / name for name in STAGES[stage])])

    def measure(self, command: Sequence[str | Path]) -> dict[str, float]:
        """The same of any command, run in the workshop's folder; ends the benchmark where it fails."""
        environment = os.environ | {"S2I_CACHE": str(self.folder / "cache"), "PYTHONPATH": str(PROJECT)}
        began = time.monotonic()
        with open(self.folder / "log.txt", "a", encoding="utf-8") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
            _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{' '.join(map(str, command))} failed: see {self.folder / 'log.txt'}.")
        return {
            "seconds": round(time.monotonic() - began, 2),
            "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
            "megabytes": round(usage.ru_maxrss / 1024),
        }

    def run_all(self) -> dict[str, dict[str, float]]:
        """What `run` measures, for each stage in turn."""
        return {stage: self.run(stage) for stage in STAGES}


def write_varied_copy(number_and_folder: tuple[int, Path]) -> None:
    """Write the copy of that number: its crop, colours and light are those of no other."""
    number, folder = number_and_folder
    rng = np.random.default_rng(number)
    sources = sorted((PROJECT / "data/photos/photos").glob("*.jpg"))
    image = io.read(sources[number % len(sources)])
    side = int(len(image) * rng.uniform(0.6, 1))
    top, left = rng.integers(0, len(image) - side + 1, 2)
    square = image[top : top + side, left : left + side, :: rng.choice((-1, 1))].astype(np.float32)
    light = rng.uniform(0.7, 1.2) + np.linspace(-0.2, 0.2, side)[:, None, None] * rng.uniform(-1, 1)
    noisy = square * light + rng.normal(0, 3, square.shape)
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / f"{number:06}.jpg", quality=92)


def total(measured: dict[str, dict[str, float]], name: str = "seconds") -> float:
    """The sum over stages of one of the figures of `Workshop.run_all`."""
    return round(sum(figures[name] for figures in measured.values()), 1)


def scaling(folder: Path, sizes: list[int], resolution: int, one_more: bool = False) -> dict:
    """Time and memory of every stage for several numbers of photos, and of one photo more after the last number."""
    figures: dict = {"resolution": resolution, "photos": sizes, "stages": []}
    for size in sizes:
        workshop = Workshop(folder / str(size), size, resolution=resolution, ingest={"near_duplicate": 0})
        figures["stages"].append(workshop.run_all())
        if one_more and size == sizes[-1]:
            workshop.add_photos(size, 1)
            figures["one_more"] = workshop.run_all()
            for name in ("seconds", "cpu_seconds"):
                ratio = total(figures["one_more"], name) / total(figures["stages"][-1], name)
                figures[f"one_more_ratio_of_{name}"] = round(ratio, 4)
        shutil.rmtree(workshop.folder)
        print(size, json.dumps(figures["stages"][-1]), flush=True)
    return figures


def workers(folder: Path, photos: int) -> dict:
    """Seconds of all stages with one worker and with two."""
    seconds = {}
    for count in (1, 2):
        workshop = Workshop(folder / f"workers-{count}", photos, workers={"count": count})
        seconds[count] = total(workshop.run_all())
    return {"photos": photos, "one": seconds[1], "two": seconds[2], "ratio": round(seconds[1] / seconds[2], 2)}


def matting(folder: Path, photos: int, resolution: int) -> dict:
    """Images matted a second by the stage and by rembg's command line, whole commands on the same files."""
    workshop = Workshop(folder / "matting", photos, resolution=resolution)
    workshop.run("ingest")
    workshop.run("pair")
    stage_seconds, rembg_seconds = [], []
    for _ in range(3):
        shutil.rmtree(folder / "matting/cache", ignore_errors=True)
        stage_seconds.append(workshop.run("matte")["seconds"])
        shutil.rmtree(folder / "matting/out", ignore_errors=True)
        (folder / "matting/out").mkdir()
        os.environ["U2NET_HOME"] = str(weights.path("u2netp.onnx").parent)
        rembg: list[str | Path] = [
            Path(sys.executable).parent / "rembg",
            "p",
            "-m",
            "u2netp",
            "data/ingested/photos",
            "out",
        ]
        rembg_seconds.append(workshop.measure(rembg)["seconds"])
    stage_rates, rembg_rates = photos / np.array(stage_seconds), photos / np.array(rembg_seconds)
    shutil.rmtree(workshop.folder)
    return {
        "photos": photos,
        "resolution": resolution,
        "stage_photos_per_second": stage_rates.round(2).tolist(),
        "rembg_photos_per_second": rembg_rates.round(2).tolist(),
        "ratio": round(float(np.median(stage_rates / rembg_rates)), 2),
    }


def plot(curves: Sequence[dict], file: Path) -> None:
    """Time and memory against photos, one row of axes for each of the curves."""
    figure, rows = plots.pyplot().subplots(
        len(curves), 2, figsize=(10, 3.4 * len(curves)), layout="constrained", squeeze=False
    )
    for curve, (left, right) in zip(curves, rows, strict=True):
        for stage in curve["stages"][0]:
            left.plot(curve["photos"], [stages[stage]["seconds"] for stages in curve["stages"]], "o-", label=stage)
            right.plot(curve["photos"], [stages[stage]["megabytes"] for stages in curve["stages"]], "o-", label=stage)
        left.set(xlabel="photos", ylabel="seconds", title=f"wall time of a stage, {curve['resolution']} px")
        right.set(xlabel="photos", ylabel="MB", title="peak memory of its largest process", ylim=(0, None))
        left.legend(fontsize=8)
    plots.save(figure, file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[250, 1000], help="numbers of photos")
    parser.add_argument("--many", type=int, nargs="+", default=[1000, 20000], help="the same of small photos")
    parser.add_argument("--few", type=int, default=240, help="photos of the other measurements (default: 240)")
    parser.add_argument("--resolution", type=int, default=512, help="of the scaling (default: 512)")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of data.json and data.png")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure anew")
    arguments = parser.parse_args()
    file = arguments.out / "data.json"
    figures = json.loads(file.read_text()) if file.exists() else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], dict | list]] = {
            "matting": lambda: [matting(folder, arguments.few, resolution) for resolution in (128, 512)],
            "workers": lambda: workers(folder, arguments.few),
            "many": lambda: scaling(folder, arguments.many, 64),  # small photos, which take the networks less
            "scaling": lambda: scaling(folder, arguments.sizes, arguments.resolution, one_more=True),
        }
        for part in arguments.only:
            figures[part] = parts[part]()
            print(part, json.dumps(figures[part]), flush=True)
            file.write_text(json.dumps(figures, indent=2) + "\n")
    if {"many", "scaling"} <= figures.keys():
        plot([figures["scaling"], figures["many"]], arguments.out / "data.png")


if __name__ == "__main__":
    main()
