"""Teach the window counter that the edge loss uses, on renders whose windows are known."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F
from torchvision.transforms.v2 import functional as F2

from s2i.core import devices
from s2i.embedded.pretraining import renders
from s2i.embedded.pretraining.params import Windows
from s2i.imaging import io, tensors
from s2i.networks.window_counter import SIDE, STRIDE, WindowDensity
from s2i.training.loop import fit
from s2i.training.randomness import BatchRandom
from s2i.training.run import Run
from s2i.vocabulary.buildings import LABELS

COUNT_WEIGHT = 0.05  # of the counts' error beside that of the densities


def train(corpus: Path, target: Path, settings: Windows, seed: int) -> None:
    """Train on the corpus, which has truth, and write the weights."""
    torch.manual_seed(seed)
    photos, table = renders.read(corpus)
    density = torch.stack(
        [_density(corpus / file, count) for file, count in zip(table["labels"], table["windows"], strict=True)]
    )
    device, precision = devices.pick()

    def loss(model, batch, draws):
        mirrored = draws.uniform((len(batch["photo"]), 1, 1, 1)) < 0.5
        photo, wanted = (torch.where(mirrored, one.flip(-1), one) for one in (batch["photo"], batch["density"]))
        found = model(_varied(tensors.to_unit_range(photo), draws))
        counts = (found.sum(dim=(1, 2, 3)) - wanted.sum(dim=(1, 2, 3))).abs()
        return F.mse_loss(_spread(found), _spread(wanted)) * STRIDE**2 + COUNT_WEIGHT * counts.mean()

    model = WindowDensity()
    fit(
        Run(
            model,
            loss,
            renders.Columns(photo=photos, density=density),
            settings,
            renders.checkpoints(__name__, "windows", [corpus], [settings, seed]),
            device=device,
            precision=precision,
            seed=seed,
            description="windows",
        )
    )
    model.save(target)


def score(weights: Path, corpus: Path) -> dict:
    """Rank correlation of counted and true windows on a corpus, as it is and blurred, and the mean error."""
    model = WindowDensity.load(weights)
    photos, table = renders.read(corpus)
    return {"images": len(table), **_agreement(model, photos, table["windows"]), **_blurred(model, photos, table)}


def _blurred(model: WindowDensity, photos: torch.Tensor, table: pd.DataFrame) -> dict:
    blurred = F2.gaussian_blur(photos, 5, 1.0)
    return {f"{name}_blurred": value for name, value in _agreement(model, blurred, table["windows"]).items()}


@torch.no_grad()
def _agreement(model: WindowDensity, photos: torch.Tensor, truth: pd.Series) -> dict:
    counts = torch.cat([model.count(tensors.to_unit_range(batch)) for batch in photos.split(32)]).numpy()
    return {
        "window_density_spearman": float(pd.Series(counts).corr(truth, method="spearman")),
        "window_density_error": float(np.abs(counts - truth).mean()),
    }


def _density(labels: Path, count: int) -> torch.Tensor:
    """``count`` windows spread over where they are, those that do not touch alike: (1, 32, 32)."""
    windows = (io.read_grey(labels) == LABELS["window"]).astype(np.uint8)
    parts, place, stats, _ = cv2.connectedComponentsWithStats(windows, connectivity=4)
    share = np.zeros(parts)
    share[1:] = count / max(parts - 1, 1) / stats[1:, cv2.CC_STAT_AREA]
    density = cv2.resize(share[place], (SIDE // STRIDE, SIDE // STRIDE), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(density * share[place].size / density.size).float()[None]


def _spread(density: torch.Tensor) -> torch.Tensor:
    """A density blurred a little, so that one place beside the right one is nearly right."""
    return F2.gaussian_blur(density, 5, 1.0)


def _varied(photos: torch.Tensor, draws: BatchRandom) -> torch.Tensor:
    """Lighter or darker, less sharp, noisy: as drawn images are, not only renders.  (B, 3, H, W) in [-1, 1]."""
    shape = (len(photos), 1, 1, 1)
    blur = draws.uniform(())
    if blur < 0.6:
        photos = F2.gaussian_blur(photos, 9, 0.3 + 2 * blur.item())
    photos = photos * (0.7 + 0.6 * draws.uniform(shape)) + 0.3 * (draws.uniform((len(photos), 3, 1, 1)) - 0.5)
    return photos + 0.1 * draws.uniform(shape) * draws.normal(photos.shape)
