"""The trained parts of the embedded base as the one folder that data/base is."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from s2i.embedded.pretraining.curve import CURVE
from s2i.embedded.pretraining.stopwatch import HOURS


def assemble(parts: Mapping[str, Path], target: Path) -> None:
    """Copy the trained parts into ``target``: the folders "denoiser", "tiny_decoder", files "attributes", "windows"."""
    unnamed = shutil.ignore_patterns(HOURS, CURVE)
    shutil.copytree(parts["denoiser"], target, ignore=unnamed, dirs_exist_ok=True)
    shutil.copytree(parts["tiny_decoder"], target / "tiny_decoder", ignore=unnamed)
    for name in ("attributes", "windows"):
        shutil.copyfile(parts[name], target / f"{name}.safetensors")
