"""How well the denoiser follows edges as it learns, so that everyone sees whether more examples would help."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from s2i.core import devices
from s2i.core.files import whole_file
from s2i.core.user_files import read_text
from s2i.diffusion.base import Pipeline
from s2i.embedded.pretraining.drawing import draw
from s2i.embedded.pretraining.params import Denoiser
from s2i.imaging import plots
from s2i.imaging.edges import canny
from s2i.metrics.structure import edge_f1

CURVE = "curve.csv"  # beside the checkpoints, and beside the trained weights


class EdgeCurve:
    """Called with a step it generates images of held-out Canny maps, and notes their edge_f1 in a table.

    renders: (H, W, 3) uint8, with a prompt each.  What stands in ``file`` of steps that are still to come, of a run
    that was killed after it, is replaced.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        renders: Sequence[np.ndarray],
        prompts: Sequence[str],
        settings: Denoiser,
        file: Path,
    ):
        self.pipeline, self.renders, self.prompts, self.settings = pipeline, renders, prompts, settings
        self.file = file
        self.maps = [canny(render) for render in renders]

    @torch.no_grad()
    def __call__(self, step: int) -> float:
        """Less the mean edge_f1 at a tolerance of 1/64 of the side, as training minimises."""
        device, precision = devices.pick()
        with torch.autocast(device.type, devices.DTYPES[precision], enabled=precision != "fp32"):
            images = draw(self.pipeline, self.prompts, range(len(self.maps)), self.maps, self.settings.sampling)
        score = mean_edge_f1(images, self.renders)
        self._note(step * self.settings.batch_size, score)
        return -score

    def _note(self, examples: int, score: float) -> None:
        rows = [row for row in read(self.file) if row["examples"] < examples]
        rows.append({"examples": examples, "edge_f1": score})
        with whole_file(self.file) as draft, open(draft, "w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, ("examples", "edge_f1"))
            writer.writeheader()
            writer.writerows(rows)


def mean_edge_f1(generated: Sequence[np.ndarray], targets: Sequence[np.ndarray]) -> float:
    """Mean F1 of the contours of images against those of renders, at a tolerance of 1/64 of the side."""
    pairs = zip(generated, targets, strict=True)
    return float(np.mean([edge_f1(image, target, tolerance=len(target) / 64) for image, target in pairs]))


def read(file: Path) -> list[dict[str, float]]:
    """The rows of a curve, {"examples", "edge_f1"}; none where the file is not there yet."""
    if not file.exists():
        return []
    return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(read_text(file).splitlines())]


def plot(rows: Sequence[dict[str, float]], file: Path) -> None:
    """Held-out edge_f1 against examples, on a logarithmic axis: a straight line says that more would help."""
    figure, axes = plots.pyplot().subplots(figsize=(6, 3.5), layout="constrained")
    axes.semilogx([row["examples"] for row in rows], [row["edge_f1"] for row in rows], marker=".")
    axes.set_xlabel("training examples")
    axes.set_ylabel("edge_f1 of held-out Canny maps")
    axes.grid(alpha=0.3)
    plots.save(figure, file)
