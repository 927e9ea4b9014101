"""How fast FID and LPIPS are computed: python benchmarks/evaluation.py -> benchmarks/evaluation.json

Two models' images, each of one sketch, are scored against the photos they are of, several sketches a photo, on the
CPU in fp32.  ``ours`` looks at every image and every photo once, in batches, with both networks
(`s2i.evaluation.scoring.look`).  The peers go the way of their own programs on the same folders: pytorch-fid's
`compute_statistics_of_path` of both folders for each model, and the loop of lpips' lpips_2dirs.py, pair by pair.  The
square root of a matrix that FID ends with, the same function on both sides, is not in it.

Both networks have random weights, which cost as much as trained ones.  All run in turn in one process, ``rounds``
times; images a second are generated images by seconds, wall and CPU, and the ratios are medians over the rounds.  Ours
and the peers must give the same figures, or the benchmark stops.
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

from s2i.core.parallel import chunked
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


def ours(folder: Path, networks: scoring.Networks, batch_size: int) -> dict[str, list]:
    """By model the statistics of its features, of the photos' features, and the mean LPIPS."""
    names = [file.name for file in sorted((folder / "photos").iterdir())]
    photos = {name[:4]: folder / "photos" / name for name in names}
    sketches = len(names) // len(photos)
    features: dict[str, list[torch.Tensor]] = {name: [] for name in (*MODELS, "photos")}
    distances: dict[str, list[float]] = {model: [] for model in MODELS}
    for batch in chunked(list(photos), max(batch_size // sketches, 1)):
        photo_features = scoring.look([io.read(photos[photo]) for photo in batch], networks)
        features["photos"].append(photo_features.features["inception"])
        of_batch = [name for name in names if name[:4] in batch]
        photo_index = [batch.index(name[:4]) for name in of_batch]
        target = [maps[photo_index] for maps in photo_features.maps["lpips"]]
        for model in MODELS:
            generated = scoring.look([io.read(folder / model / name) for name in of_batch], networks)
            features[model].append(generated.features["inception"])
            distances[model] += networks.distances["lpips"].between(generated.maps["lpips"], target).tolist()
    arrays = {name: torch.cat(batches).double().numpy() for name, batches in features.items()}
    of_photos = statistics(np.repeat(arrays["photos"], sketches, axis=0))  # pytorch-fid counts every file
    return {model: [statistics(arrays[model]), of_photos, np.mean(distances[model])] for model in MODELS}


def statistics(features: np.ndarray) -> np.ndarray:
    """What FID takes of features: means and covariances."""
    return np.vstack([features.mean(axis=0), np.cov(features, rowvar=False)])


def peers(folder: Path, network: inception.InceptionV3, distance: lpips.LPIPS, batch_size: int) -> dict[str, list]:
    """The same figures by pytorch-fid and lpips."""
    figures = {}
    for model in MODELS:
        of_both = [
            np.vstack(fid_score.compute_statistics_of_path(str(folder / name), network, batch_size, 2048, "cpu", 0))
            for name in (model, "photos")
        ]
        distances = []
        for file in sorted((folder / model).iterdir()):
            pair = [lpips.im2tensor(lpips.load_image(str(path))) for path in (file, folder / "photos" / file.name)]
            with torch.no_grad():
                distances.append(distance.forward(*pair).item())
        figures[model] = [*of_both, np.mean(distances)]
    return figures


def timed(function: Callable[[], dict], images: int) -> tuple[dict, dict[str, float]]:
    """What a function gives, and how many images it takes a second."""
    began, cpu = time.monotonic(), time.process_time()
    figures = function()
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    return figures, {
        "images_per_second": round(images / wall, 3),
        "images_per_cpu_second": round(images / cpu, 3),
    }


def compare(folder: Path, batch_size: int, rounds: int) -> dict:
    torch.manual_seed(0)
    state, alexnet = random_inception(), torchvision.models.alexnet()
    torch.save(state, folder / "inception.pth")
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(weights, "hub_path", lambda name: folder / "inception.pth"))
        stack.enter_context(mock.patch.object(inception, "load_state_dict_from_url", lambda *_, **__: state))
        stack.enter_context(mock.patch.object(torchvision.models, "alexnet", lambda **_: alexnet))
        distance, network = lpips.LPIPS(net="alex", verbose=False), inception.InceptionV3()
        networks = scoring.Networks({"lpips": perceptual.lpips_package("alex", alexnet.state_dict())}, fid_inception())
        images = sum(len(list((folder / model).iterdir())) for model in MODELS)
        runs: dict[str, list] = {"ours": [], "peers": []}
        for _ in range(rounds):
            our_figures, speed = timed(lambda: ours(folder, networks, batch_size), images)
            runs["ours"].append(speed)
            peer_figures, speed = timed(lambda: peers(folder, network, distance, batch_size), images)
            runs["peers"].append(speed)
            stop_where_figures_differ(our_figures, peer_figures)
            print(json.dumps({name: speeds[-1] for name, speeds in runs.items()}), flush=True)
    ratios = {
        name: round(float(np.median([a[name] / b[name] for a, b in zip(runs["ours"], runs["peers"], strict=True)])), 3)
        for name in ("images_per_second", "images_per_cpu_second")
    }
    return {"runs": runs, "ratios": ratios}


def stop_where_figures_differ(ours: dict[str, list], peers: dict[str, list]) -> None:
    for model in MODELS:
        for a, b in zip(ours[model], peers[model], strict=True):
            if not np.allclose(a, b, rtol=1e-3, atol=1e-5 * np.abs(b).max()):
                sys.exit(f"the figures of {model} differ by up to {np.abs(a - b).max()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=32, help="(default: 32)")
    parser.add_argument("--sketches", type=int, default=3, help="generated images of each photo (default: 3)")
    parser.add_argument("--size", type=int, default=128, help="pixels (default: 128)")
    parser.add_argument("--batch-size", type=int, default=24, help="(default: 24)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument("--out", type=Path, default=HERE / "evaluation.json")
    chosen = parser.parse_args()
    results = {name: getattr(chosen, name) for name in ("photos", "sketches", "size", "batch_size")}
    results |= {"threads": torch.get_num_threads()}
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), chosen.photos, chosen.sketches, chosen.size)
        results |= compare(Path(folder), chosen.batch_size, chosen.rounds)
    chosen.out.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results["ratios"]))


if __name__ == "__main__":
    main()
