"""How fast FID and LPIPS are computed: python benchmarks/evaluation.py -> benchmarks/evaluation.json

Two models' images, each of one sketch, are scored against the photos they are of, several sketches a photo, on the
CPU in fp32.  ``ours`` looks at every image and every photo once, in batches, with both networks
(`s2i.evaluation.scoring.look`).  The peers go the way of their own programs on the same folders: pytorch-fid's
`compute_statistics_of_path` of both folders for each model, and the loop of lpips' lpips_2dirs.py, pair by pair.  The
square root of a matrix that FID ends with, the same function on both sides, is not in it.
Both networks have random weights, which cost as much as trained
ones.  All run in turn in one process, ``rounds`` times; images a second are drawn images by seconds, wall and CPU,
and the ratios are medians over the rounds.  Ours and theirs must give the same figures, or the benchmark stops.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import lpips
import numpy as np
import torch
import torchvision
from pytorch_fid import fid_score, inception
from random_inception import random_inception

from s2i.evaluation import scoring
from s2i.imaging import io
from s2i.metrics import perceptual
from s2i.networks import weights
from s2i.networks.inception import fid_inception

HERE = Path(__file__).parent
MODELS = ("base", "finetuned")


def write_images(folder: Path, photos: int, sketches: int, size: int) -> None:
    """Folders base, finetuned and photos, equally many files in each: every photo once for each of its sketches."""
    rng = np.random.default_rng(0)
    for photo in range(photos):
        target = rng.integers(0, 256, (size, size, 3)).astype(np.uint8)
        for sketch in range(sketches):
            name = f"{photo:04}-{sketch}.png"
            io.write_png(folder / "photos" / name, target)
            for model in MODELS:
                io.write_png(folder / model / name, rng.integers(0, 256, (size, size, 3)).astype(np.uint8))


def ours(folder: Path, networks: scoring.Networks, batch_size: int) -> dict:
    files = sorted((folder / "photos").iterdir())
    photos = {file.name[:4]: file for file in files}
    features = {name: [] for name in (*MODELS, "photos")}
    distances = {model: [] for model in MODELS}
    per_photo = len(files) // len(photos)
    step = max(batch_size // per_photo, 1)
    names = list(photos)
    for start in range(0, len(names), step):
        chosen = names[start : start + step]
        seen = scoring.look([io.read(photos[name]) for name in chosen], networks)
        features["photos"].append(seen.features["inception"])
        drawn = [file.name for file in files if file.name[:4] in chosen]
        theirs = [chosen.index(name[:4]) for name in drawn]
        for model in MODELS:
            looked = scoring.look([io.read(folder / model / name) for name in drawn], networks)
            features[model].append(looked.features["inception"])
            target = [one[theirs] for one in seen.maps["lpips"]]
            distances[model] += networks.distances["lpips"].between(looked.maps["lpips"], target).tolist()
    arrays = {name: torch.cat(parts).double().numpy() for name, parts in features.items()}
    again = np.repeat(arrays["photos"], per_photo, axis=0)  # pytorch-fid counts every file
    return {
        model: [*(statistics(one) for one in (arrays[model], again)), np.mean(distances[model])] for model in MODELS
    }


def statistics(features: np.ndarray) -> np.ndarray:
    """What FID takes of features: means and covariances."""
    return np.vstack([features.mean(axis=0), np.cov(features, rowvar=False)])


def peers(folder: Path, network: inception.InceptionV3, distance: lpips.LPIPS, batch_size: int) -> dict:
    found = {}
    for model in MODELS:
        seen = [
            np.vstack(fid_score.compute_statistics_of_path(str(folder / name), network, batch_size, 2048, "cpu", 0))
            for name in (model, "photos")
        ]
        values = []
        for file in sorted((folder / model).iterdir()):
            pair = [lpips.im2tensor(lpips.load_image(str(one))) for one in (file, folder / "photos" / file.name)]
            with torch.no_grad():
                values.append(distance.forward(*pair).item())
        found[model] = [*seen, np.mean(values)]
    return found


def timed(function: Callable[[], dict], images: int) -> tuple[dict, dict]:
    began, cpu = time.monotonic(), time.process_time()
    found = function()
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    return found, {
        "images_per_second": round(images / wall, 3),
        "images_per_cpu_second": round(images / cpu, 3),
    }


def compare(folder: Path, batch_size: int, rounds: int) -> dict:
    torch.manual_seed(0)
    trunk, alexnet = random_inception(), torchvision.models.alexnet()
    torch.save(trunk, folder / "inception.pth")
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(weights, "hub_path", lambda name: folder / "inception.pth"))
        stack.enter_context(mock.patch.object(inception, "load_state_dict_from_url", lambda *_, **__: trunk))
        stack.enter_context(mock.patch.object(torchvision.models, "alexnet", lambda **_: alexnet))
        distance, network = lpips.LPIPS(net="alex", verbose=False), inception.InceptionV3()
        networks = scoring.Networks({"lpips": perceptual.lpips_package("alex", alexnet.state_dict())}, fid_inception())
        images = sum(len(list((folder / model).iterdir())) for model in MODELS)
        runs: dict[str, list] = {"ours": [], "peers": []}
        for _ in range(rounds):
            mine, figures = timed(lambda: ours(folder, networks, batch_size), images)
            runs["ours"].append(figures)
            other, figures = timed(lambda: peers(folder, network, distance, batch_size), images)
            runs["peers"].append(figures)
            for model in MODELS:
                for a, b in zip(mine[model], other[model], strict=True):
                    if not np.allclose(a, b, rtol=1e-3, atol=1e-5 * np.abs(b).max()):
                        sys.exit(f"the figures of {model} differ by up to {np.abs(a - b).max()}")
            print(json.dumps({name: one[-1] for name, one in runs.items()}), flush=True)
    ratios = {
        name: round(float(np.median([a[name] / b[name] for a, b in zip(runs["ours"], runs["peers"], strict=True)])), 3)
        for name in ("images_per_second", "images_per_cpu_second")
    }
    return {"runs": runs, "ratios": ratios}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=32, help="(default: 32)")
    parser.add_argument("--sketches", type=int, default=3, help="drawn of each photo (default: 3)")
    parser.add_argument("--size", type=int, default=128, help="pixels (default: 128)")
    parser.add_argument("--batch-size", type=int, default=24, help="(default: 24)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument("--out", type=Path, default=HERE / "evaluation.json")
    chosen = parser.parse_args()
    told = {name: getattr(chosen, name) for name in ("photos", "sketches", "size", "batch_size")}
    told |= {"threads": torch.get_num_threads()}
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), chosen.photos, chosen.sketches, chosen.size)
        told |= compare(Path(folder), chosen.batch_size, chosen.rounds)
    chosen.out.write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told["ratios"]))


if __name__ == "__main__":
    main()
