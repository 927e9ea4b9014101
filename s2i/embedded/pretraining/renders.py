"""The rendered corpus in memory, as the pretraining reads it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset
from tqdm import tqdm

from s2i.core import cache
from s2i.core.errors import UserError
from s2i.imaging import io, tensors


def read(folder: Path) -> tuple[torch.Tensor, pd.DataFrame]:
    """Every image of a corpus folder, (N, 3, H, W) uint8, and its photos.csv."""
    table = pd.read_csv(Path(folder) / "photos.csv")
    if table.empty:
        raise UserError(f"{folder}/photos.csv lists no image: render the corpus first.")
    files = tqdm(table["file"], desc=f"read {folder}", unit="image")
    return tensors.stack([io.read(Path(folder) / file) for file in files]), table


def files(folder: Path) -> list[Path]:
    """The image files of a corpus folder in the order of its photos.csv."""
    return [Path(folder) / file for file in pd.read_csv(Path(folder) / "photos.csv")["file"]]


class Columns(Dataset):
    """Equally long tensors or arrays, fetched together by a batch of indices; arrays may lie in mapped files."""

    def __init__(self, **columns: torch.Tensor | np.ndarray):
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitems__(self, indices: list[int]) -> dict[str, torch.Tensor]:
        return {name: torch.as_tensor(column[indices]) for name, column in self.columns.items()}


def arrays(images: torch.Tensor) -> list[np.ndarray]:
    """(N, 3, H, W) uint8 as images (H, W, 3)."""
    return list(images.permute(0, 2, 3, 1).numpy())


def checkpoints(module: str, name: str, folders: Sequence[Path], settings: Sequence) -> Path:
    """Where a training resumes from: a folder that only the same inputs, settings and code of the module lead to."""
    inputs = [cache.folder_hash(folder) for folder in folders]
    return (
        cache.root()
        / "training"
        / cache.fingerprint(name, inputs, [str(setting) for setting in settings], cache.code(module))
    )
