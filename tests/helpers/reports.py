"""Runs to compare: tables of scores, metrics files, a repository."""

import json
import subprocess

import numpy as np
import pandas as pd

from s2i.imaging import io
from s2i.imaging.mosaics import mosaic

PHOTOS = [f"{number:016x}" for number in range(30)]


STYLES = ("given", "xdog")


def scores(seed=0, harm=0.0):
    """A table of the evaluate stage: edge_f1 and st_lpips of both models; harm makes the fine-tuned images worse."""
    difficulty, rng = np.random.default_rng(0).normal(size=len(PHOTOS)), np.random.default_rng(seed)
    rows = []
    for model in ("base", "finetuned"):
        for place, photo in enumerate(PHOTOS):
            for style in STYLES:
                score = 0.3 + 0.05 * difficulty[place] + 0.02 * rng.normal() + harm * (model == "finetuned")
                row = {"id": photo, "variant": 0, "sketch_style": style, "model": model}
                rows.append(row | {"st_lpips": score, "edge_f1": 1 - score, "balcony_recall": rng.choice([0, 1, None])})
    return pd.DataFrame(rows)


def write_metrics(folder, table, shade):
    evaluated = folder / "metrics/evaluate"
    evaluated.mkdir(parents=True, exist_ok=True)
    table.to_csv(evaluated / "per_image.csv", index=False)
    columns = {name: [np.full((32, 32, 3), shade, np.uint8)] * 3 for name in ("sketch", "base", "fine-tuned", "target")}
    io.write_png(evaluated / "mosaic.png", mosaic(columns))
    figures = {"images": 60, "photos": 30, "finetuned": {"kid_efficientnet_lite0": shade / 100, "edge_f1": 0.8}}
    figures |= {"base": {"edge_f1": 0.7}, "base_edges": {"edge_f1": 0.75}, "autoencoder": {"edge_f1": 0.9}}
    figures |= {"gain": {"edge_f1": 0.05}}
    interval = {"set": "gain", "metric": "edge_f1", "mean": 0.05, "low": 0.01, "high": 0.09}
    pd.DataFrame([interval]).to_csv(evaluated / "intervals.csv", index=False)
    without = [{"model": "finetuned", "metric": "kid_efficientnet_lite0", "without": photo} for photo in ("", *PHOTOS)]
    pd.DataFrame(without).assign(distance=shade / 100).to_csv(evaluated / "leave_one_out.csv", index=False)
    (folder / "metrics/evaluate.json").write_text(json.dumps(figures))
    losses = folder / "metrics/train/plots/metrics"
    losses.mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"step": range(9), "loss": np.linspace(1, shade / 100, 9)}).to_csv(
        losses / "loss.tsv", sep="\t", index=False
    )


def git(*arguments):
    identity = ["-c", "user.name=s2i", "-c", "user.email=s2i@example.com"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)
