"""How fast training is, in how much memory: python benchmarks/training.py [--peer SCRIPT] -> benchmarks/training.json

Two settings, on the CPU in fp32, all of the ControlNet trained: ``demo``, the embedded base as params.yaml has it, and
``sd15``, models of Stable Diffusion 1.5's shape with random weights at 512 px; run `dvc repro encode` before.  Measured
are images a second, wall and CPU, from each optimizer step to the next, so start-up is not in them, and the peak memory
of the process: its largest resident set, nothing subtracted.  Also measured are the UNet alone in bf16, in ``demo`` all
in bf16, without and with the edge loss, and in ``sd15`` the adapter ``modified`` of rank 512.  Other programs on the
machine make wall time worthless: then CPU seconds with OMP_NUM_THREADS=1 say more.

The peer is diffusers' examples/controlnet/train_controlnet.py, which is to be downloaded (it also wants the package
datasets).  It runs as published, in turn with ours, from the same base folder, on the same images, sketches and
prompts (an image folder with a metadata.jsonl), with the same batch, resolution, number of steps, and weights trained.
Every step it encodes images and prompts anew, which we do once: ``encode_seconds`` is what an example of that costs.

``drift``: validation loss after a short training of the embedded base with the UNet in fp32 and in bf16, several seeds.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
import yaml
from diffusers import AutoencoderKL, ControlNetModel, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from s2i.core import records
from s2i.core.params import Encode
from s2i.diffusion import base, encoding
from s2i.imaging import control_images, io

HERE = Path(__file__).parent
PROJECT = HERE.parent
PARTS = ("demo", "sd15", "drift")
SD15_VAE = {  # what differs from the defaults of diffusers, whose UNet is that of Stable Diffusion 1.x but for the text
    "block_out_channels": (128, 256, 512, 512),
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
    "layers_per_block": 2,
    "sample_size": 512,
}
EDGE = {"weight": 0.1, "every": 1, "counter": str(PROJECT / "data/base/windows.safetensors")}
VARIANTS = {
    "ours": {"adapter": "full"},
    "ours_unet_bf16": {"adapter": "full", "train": {"frozen": "bf16"}},
    "ours_bf16": {"adapter": "full", "precision": "bf16"},
    "ours_bf16_edge_loss_every_step": {"adapter": "full", "precision": "bf16", "train": {"edge": EDGE}},
    "ours_modified_512": {"adapter": "modified", "rank": 512},
    "ours_modified_512_unet_bf16": {"adapter": "modified", "rank": 512, "train": {"frozen": "bf16"}},
}


class Setting:
    """Examples and a base, and how to train on them: ours in a folder of its own, the peer beside it."""

    def __init__(self, folder: Path, model: Path, examples: list[dict], encoded: Path, **changes):
        self.folder, self.model, self.encoded = folder, model, encoded
        values = yaml.safe_load((PROJECT / "params.yaml").read_text())
        never = {"validate_every": 10**6, "checkpoint_every": 10**6}
        self.values = values | {"device": "cpu", "precision": "fp32", "base": str(model)} | changes
        self.values |= {"controlnet": str(model / "controlnet"), "train": values["train"] | never | changes["train"]}
        (folder / "augmented").mkdir(parents=True)
        records.write(examples, folder / "augmented", folder / "augmented")
        self.images = image_folder(folder / "images", [example for example in examples if example["split"] == "train"])

    def ours(self, **changes) -> dict:
        values = self.values | changes | {"train": self.values["train"] | changes.get("train", {})}
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values))
        for name in ("cache", "log", "trained"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        return self._measured([PROJECT / "stages/train.py", "augmented", self.encoded, "log", "trained"])

    def peer(self, script: Path) -> dict:
        train = self.values["train"]
        options = {
            "pretrained_model_name_or_path": self.model,
            "controlnet_model_name_or_path": self.values["controlnet"],
            "train_data_dir": self.images,
            "image_column": "image",
            "conditioning_image_column": "conditioning_image",
            "caption_column": "text",
            "resolution": self.values["resolution"],
            "train_batch_size": train["batch_size"],
            "max_train_steps": train["steps"],
            "learning_rate": train["learning_rate"],
            "mixed_precision": "no",
            "output_dir": self.folder / "peer",
            "cache_dir": self.folder / "peer-cache",
            "seed": 0,
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        return self._measured([script.absolute(), *arguments])

    def _measured(self, command: list) -> dict:
        path = os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")])
        environment = os.environ | {"S2I_CACHE": str(self.folder / "cache"), "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
        out = self.folder / "stamps.json"
        with open(self.folder / "log.txt", "a", encoding="utf-8") as log:
            command = [sys.executable, HERE / "stamped.py", out, *command]
            done = subprocess.run(command, cwd=self.folder, env=environment, stdout=log, stderr=log)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))} failed:\n{(self.folder / 'log.txt').read_text()[-3000:]}")
        measured = json.loads(out.read_text())
        size = self.values["train"]["batch_size"]
        wall, cpu = size / np.median(np.diff(measured["stamps"], axis=0), axis=0)
        return {
            "images_per_second": round(wall, 4),
            "images_per_cpu_second": round(cpu, 4),
            "megabytes": measured["megabytes"],
        }


def image_folder(folder: Path, examples: Sequence[dict]) -> Path:
    """Photos, control images and prompts as the peer reads them."""
    lines = []
    for number, example in enumerate(examples):
        photo = io.read(example["photo"])
        io.write_png(folder / f"{number}.png", np.ascontiguousarray(photo[:, ::-1]) if example["flip"] else photo)
        io.write_png(folder / f"{number}-sketch.png", control_images.control_images_of(example, ["sketch"])[0])
        names = {"file_name": f"{number}.png", "conditioning_image_file_name": f"{number}-sketch.png"}
        lines.append(json.dumps(names | {"text": example["prompt"]}))
    (folder / "metadata.jsonl").write_text("\n".join(lines))
    return folder


def compare(setting: Setting, variants: Sequence[str], script: Path | None, rounds: int) -> dict:
    """Every variant of ours and the peer in turn, ``rounds`` times, and the medians' ratios."""
    runs: dict[str, list] = {}
    for _ in range(rounds):
        for name in [*variants, *(["peer"] if script else [])]:
            runs.setdefault(name, []).append(setting.peer(script) if name == "peer" else setting.ours(**VARIANTS[name]))
            print(name, json.dumps(runs[name][-1]), flush=True)
    train = setting.values["train"]
    figures = {"resolution": setting.values["resolution"], "batch_size": train["batch_size"], "steps": train["steps"]}
    figures["threads"] = torch.get_num_threads()
    return figures | {"runs": runs} | ({"ratios": ratios(runs)} if script else {})


def ratios(runs: dict[str, list]) -> dict:
    """Speed and memory of ours over the peer's: medians of the runs of a round divided by each other."""
    medians = {}
    for name, ours in runs.items():
        if name != "peer":
            pairs = list(zip(ours, runs["peer"], strict=True))
            medians[name] = {
                figure: round(float(np.median([run[figure] / peer[figure] for run, peer in pairs])), 3)
                for figure in ("images_per_second", "images_per_cpu_second", "megabytes")
            }
    return medians


def demo(folder: Path, script: Path | None, rounds: int, steps: int) -> dict:
    setting = embedded(folder, train={"steps": steps})
    return compare(setting, ["ours", "ours_unet_bf16", "ours_bf16", "ours_bf16_edge_loss_every_step"], script, rounds)


def embedded(folder: Path, **changes) -> Setting:
    examples = list(records.Records(PROJECT / "data/augmented"))
    return Setting(folder, PROJECT / "data/base", examples, PROJECT / "data/encoded", **changes)


def sd15(folder: Path, script: Path | None, rounds: int, steps: int) -> dict:
    model = save_sd15(folder / "base")
    examples = enlarged(folder / "examples", 512)
    pipeline = base.load(model, None)
    os.environ["S2I_CACHE"] = str(folder / "cache")  # or what an earlier run encoded would count
    began = time.monotonic()
    encoding.encode(examples, folder / "encoded", pipeline, str(model), ["sketch"], Encode(batch_size=1))
    spent = time.monotonic() - began
    del pipeline
    changes = {"resolution": 512, "train": {"steps": steps, "batch_size": 1, "ema_decay": 0}}
    setting = Setting(folder / "run", model, examples, folder / "encoded", **changes)
    return compare(setting, [name for name in VARIANTS if not name.startswith("ours_bf16")], script, rounds) | {
        "encode_seconds": round(spent / len(examples), 1)
    }


def save_sd15(folder: Path) -> Path:
    """Random weights in the shapes of Stable Diffusion 1.5 and its ControlNet; the tokenizer is that of the demo."""
    torch.manual_seed(0)
    tokenizer = StableDiffusionPipeline.from_pretrained(PROJECT / "data/base", vae=None, unet=None).tokenizer
    text = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12, projection_dim=768)
    unet = UNet2DConditionModel(cross_attention_dim=768, sample_size=64)
    pipeline = StableDiffusionPipeline(
        vae=AutoencoderKL(**SD15_VAE),
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=PNDMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)
    ControlNetModel.from_unet(unet).save_pretrained(folder / "controlnet")
    return folder


def enlarged(folder: Path, size: int) -> list[dict]:
    """Four examples to train on and one to validate, their images enlarged."""
    augmented = list(records.Records(PROJECT / "data/augmented"))
    chosen = [record for record in augmented if record["split"] == "train"][::13][:4]
    chosen += [record for record in augmented if record["split"] == "val"][:1]
    examples = []
    for number, record in enumerate(chosen):
        photo, sketch = folder / f"{number}.png", folder / f"{number}-sketch.png"
        io.write_png(photo, cv2.resize(io.read(record["photo"]), (size, size)))
        io.write_png(sketch, cv2.resize(io.read_grey(record["sketch"]), (size, size)))
        columns = {name: record[name] for name in ("id", "split", "prompt", "flip", "variant")}
        examples.append(columns | {"photo": str(photo), "sketch": str(sketch)})
    return examples


def drift(folder: Path, seeds: Sequence[int], steps: int, batch_size: int) -> dict:
    """Final validation losses with the UNet in fp32 and in bf16, one of each a seed."""
    train = {"steps": steps, "batch_size": batch_size, "validate_every": steps}
    setting = embedded(folder, train=train, generate={"steps": 1, "batch_size": 4})
    losses: dict[str, list] = {"fp32": [], "bf16": []}
    for seed in seeds:
        for frozen, losses_of_seeds in losses.items():
            setting.ours(seed=seed, train={"frozen": frozen})
            figures = json.loads((setting.folder / "log/metrics.json").read_text())
            losses_of_seeds.append(figures["validation_loss"])
            print(frozen, seed, losses_of_seeds[-1], flush=True)
    differences = np.subtract(losses["bf16"], losses["fp32"])
    return {
        "steps": steps,
        "batch_size": batch_size,
        "seeds": list(seeds),
        "validation_loss": losses,
        "spread_over_seeds": round(float(np.std(losses["fp32"], ddof=1)), 6),
        "largest_difference": round(float(np.abs(differences).max()), 6),
        "mean_difference": round(float(differences.mean()), 6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer", type=Path, help="diffusers' train_controlnet.py, to be run in turn with ours")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each (default: 2)")
    parser.add_argument("--steps", type=int, nargs=3, default=[20, 4, 150], help="of each part (default: 20 4 150)")
    parser.add_argument("--out", type=Path, default=HERE / "training.json")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure anew")
    chosen = parser.parse_args()
    figures = json.loads(chosen.out.read_text()) if chosen.out.exists() else {}
    for part in chosen.only:
        with tempfile.TemporaryDirectory() as folder:
            steps = dict(zip(PARTS, chosen.steps, strict=True))[part]
            if part == "drift":
                figures[part] = drift(Path(folder), range(3), steps, 4)
            else:
                figures[part] = {"demo": demo, "sd15": sd15}[part](Path(folder), chosen.peer, chosen.rounds, steps)
        print(part, json.dumps(figures[part]), flush=True)
        chosen.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
