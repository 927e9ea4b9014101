"""Trained models in the formats of others: conventional LoRA of a ControlNet, LoRA of a UNet, modified LoRA."""

import json
from collections import Counter
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import torch
from diffusers import ControlNetModel, StableDiffusionPipeline
from diffusers.loaders.lora_base import LORA_ADAPTER_METADATA_KEY, LORA_WEIGHT_NAME_SAFE
from diffusers.utils.state_dict_utils import convert_state_dict_to_kohya, convert_unet_state_dict_to_peft
from peft import LoraConfig
from peft.utils.other import get_pattern_key
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.nn import functional as F
from tqdm import tqdm

from s2i.core.errors import UserError, first_line
from s2i.diffusion import adapters, base

PARTS = ("original.weight", "original.bias", "lora_A", "lora_B")  # of a projection in a modified-LoRA checkpoint
DOWN, UP = ".lora_A.weight", ".lora_B.weight"  # of a module, as peft names them


class LowRankUpdate(NamedTuple):
    """The best approximation of a weight's change: ``lora_up`` (out, rank) times ``lora_down`` (rank, in).

    energy: the sum of its squares.
    """

    lora_up: torch.Tensor
    lora_down: torch.Tensor
    energy: float


def extract_lora(trained: Path, untouched: str | Path, rank: int, target: Path) -> float:
    """Write the conventional LoRA of ``rank`` nearest to what training changed; the share of the change it keeps.

    trained, untouched: ControlNets in diffusers format.  ``target`` becomes a folder that
    ``ControlNetModel.load_lora_adapter`` reads.  Each changed weight W of a linear layer or convolution is W0 + B A,
    B A the best approximation of W - W0 of that rank in squared error; the share is that of the squared change of all
    weights, of biases and norms too, which LoRA cannot hold.
    Raises UserError when nothing differs, or the two are not of one shape.
    """
    before, after = base.load_controlnet(untouched), base.load_controlnet(trained)
    changes = _changes(before, after, trained, untouched)
    modules = dict(before.named_modules())
    total_energy, updates = 0.0, {}
    for name, change in tqdm(changes.items(), desc="decompose", unit="layer"):
        total_energy += change.square().sum().item()
        module, _, kind = name.rpartition(".")
        if kind == "weight" and isinstance(modules[module], (torch.nn.Linear, torch.nn.Conv2d)):
            updates[module] = nearest_low_rank(change.flatten(1), rank)
    if not updates:
        raise UserError(f"{trained} differs from {untouched} in biases and norms alone, which a LoRA cannot hold.")
    _write_lora(before, updates, rank, target)
    return sum(update.energy for update in updates.values()) / total_energy


def nearest_low_rank(matrix: torch.Tensor, rank: int) -> LowRankUpdate:
    """The matrix of a rank that is nearest to one (out, in) in squared error.

    Of its singular values both factors hold the square roots; a rank beyond that of the matrix is filled with zeros.
    Source: Eckart and Young 1936, "The approximation of one matrix by another of lower rank".
    """
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    sqrt_values, missing_rank = values[:rank].sqrt(), max(0, rank - len(values))
    lora_up = F.pad(left[:, :rank] * sqrt_values, (0, missing_rank))
    lora_down = F.pad(sqrt_values[:, None] * right[:rank], (0, 0, 0, missing_rank))
    return LowRankUpdate(lora_up, lora_down, values[:rank].square().sum().item())


def _write_lora(controlnet: ControlNetModel, updates: dict[str, LowRankUpdate], rank: int, target: Path) -> None:
    """Write low-rank updates, by module, of a ControlNet, which has them from then on."""
    controlnet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=sorted(updates)))
    for module, update in updates.items():
        layer = controlnet.get_submodule(module)
        for factor, value in ((layer.lora_A, update.lora_down), (layer.lora_B, update.lora_up)):
            weight = factor["default"].weight
            weight.data.copy_(value.reshape(weight.shape))
    controlnet.save_lora_adapter(target)


def import_modified_lora(file: Path, untouched: str | Path, target: Path) -> int:
    """Turn a modified-LoRA checkpoint into a trained model: ``target``/controlnet and ``target``/adapter; its rank.

    file: a state dict with ``<attention>.to_q.original.weight``, ``.lora_A`` (rank, in) and ``.lora_B`` (out, rank) for
    to_q, to_k, to_v and to_out.0 of every attention, whose output is W0 x + (1 / rank) B A x; a bias that it does not
    hold stays the ControlNet's.
    untouched: the ControlNet it was trained from.
    Raises UserError when the file is no such state dict, is not whole, or is of another shape.
    """
    state = _read_checkpoint(file)
    ranks = {len(tensor) for name, tensor in state.items() if name.endswith(".lora_A") and tensor.ndim == 2}
    if len(ranks) != 1:
        raise UserError(f"{file} holds no modified LoRA of one rank: its .lora_A have {sorted(ranks) or 'no'} rows.")
    (rank,) = ranks
    controlnet = base.load_controlnet(untouched)
    adapters.inject(controlnet, "modified", rank, alpha=1)
    parameters = {
        name: parameter
        for name, parameter in _parameters_by_checkpoint_name(controlnet).items()
        if name in state or not name.endswith(".bias")
    }
    if missing := sorted(parameters.keys() - state.keys()):
        raise UserError(f"{file} is not whole: {missing[0]} is missing, and {len(missing) - 1} more.")
    if unknown := sorted(state.keys() - parameters.keys()):
        raise UserError(f"{file}: {untouched} has no {unknown[0]}; name the ControlNet it was trained from.")
    for name, parameter in parameters.items():
        if state[name].shape != parameter.shape:
            raise UserError(
                f"{file}: {name} is {_size(state[name])}, and {untouched} needs {_size(parameter)}; "
                "name the ControlNet it was trained from."
            )
        parameter.data.copy_(state[name])
    adapters.save(controlnet, target / "controlnet", target / "adapter")
    return rank


class UnetLora(NamedTuple):
    """A LoRA of a UNet: its tensors under peft's names, and its settings as in a LoraConfig, {} where not known."""

    state: dict[str, torch.Tensor]
    settings: dict[str, Any]

    def alpha(self, module: str) -> float:
        """What scales a module's B A, over its rank."""
        rank = len(self.state[module + DOWN])
        if not self.settings:
            return float(rank)
        alpha_pattern = self.settings.get("alpha_pattern") or {}
        alpha = float(alpha_pattern.get(get_pattern_key(alpha_pattern, module), self.settings["lora_alpha"]))
        return alpha * rank**0.5 if self.settings.get("use_rslora") else alpha


def read_unet_lora(folder: Path) -> UnetLora:
    """The LoRA in a folder that a pipeline's ``save_lora_weights`` wrote; without settings, alpha is the rank.

    Raises UserError when it is not there, cannot be read, or holds other than LoRA of the UNet.
    """
    file = Path(folder) / LORA_WEIGHT_NAME_SAFE
    try:
        with safe_open(file, "pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            settings = json.loads((opened.metadata() or {}).get(LORA_ADAPTER_METADATA_KEY, "{}"))
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file} cannot be read ({first_line(error)}); it must be a LoRA saved by diffusers.") from None
    state = convert_unet_state_dict_to_peft({name.removeprefix("unet."): tensor for name, tensor in tensors.items()})
    for name, peft_name in zip(tensors, state, strict=True):
        if not name.startswith("unet.") or not peft_name.endswith((DOWN, UP)):
            raise UserError(f"{file} holds {name}: only low-rank updates of the UNet can be exported.")
    return UnetLora(state, {name.removeprefix("unet."): value for name, value in settings.items()})


def export_unet_lora(folder: Path, names: str, target: Path) -> None:
    """Write the UNet LoRA in ``folder`` under other names into the folder ``target``.

    names: ``kohya``: ``unet_lora.safetensors``, as ComfyUI, AUTOMATIC1111 and diffusers read it, with one alpha for all
    modules, since diffusers misreads several; where a module's was another, its lora_up makes up for it.
    ``diffusers``: as diffusers writes it today, from its older names too.
    Raises UserError as `read_unet_lora` does.
    """
    lora = read_unet_lora(folder)
    if names == "diffusers":
        StableDiffusionPipeline.save_lora_weights(target, lora.state, unet_lora_adapter_metadata=lora.settings or None)
        return
    modules = [name.removesuffix(DOWN) for name in lora.state if name.endswith(DOWN)]
    alphas = {module: lora.alpha(module) for module in modules}
    ((common, _),) = Counter(alphas.values()).most_common(1)
    state = {f"unet.{name}": tensor.contiguous() for name, tensor in lora.state.items()}
    for module, alpha in alphas.items():
        if alpha != common:
            state[f"unet.{module}{UP}"] = state[f"unet.{module}{UP}"] * (alpha / common)
    kohya = convert_state_dict_to_kohya(state)
    kohya |= {name: torch.tensor(common) for name in kohya if name.endswith(".alpha")}  # diffusers writes the rank
    target.mkdir(parents=True, exist_ok=True)
    save_file(kohya, target / "unet_lora.safetensors")


def _changes(
    before: ControlNetModel, after: ControlNetModel, trained: Path, untouched: str | Path
) -> dict[str, torch.Tensor]:
    """New less old value of every parameter and buffer that differs."""
    old, new = before.state_dict(), after.state_dict()
    if {name: tensor.shape for name, tensor in old.items()} != {name: tensor.shape for name, tensor in new.items()}:
        raise UserError(f"{trained} and {untouched} are not of one shape: name the ControlNet it was trained from.")
    changes = {name: new[name] - old[name] for name in old if not torch.equal(new[name], old[name])}
    if not changes:
        raise UserError(f"{trained} does not differ from {untouched}: there is nothing to export.")
    return changes


def _read_checkpoint(file: Path) -> dict[str, torch.Tensor]:
    """The parts of projections that a state dict holds; all it holds where there are none."""
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{file} is not there.") from None
    except (UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise UserError(f"{file} is no checkpoint of tensors alone ({first_line(error)}).") from None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise UserError(f"{file} is no state dict: it must hold tensors by their names.")
    parts = {name: tensor.float() for name, tensor in state.items() if name.endswith(PARTS)}
    return parts or state


def _parameters_by_checkpoint_name(controlnet: ControlNetModel) -> dict[str, torch.nn.Parameter]:
    """The parameters that train, under the names that a modified-LoRA checkpoint has for them."""
    return {
        name.replace("base_layer.", "original.").replace(".default.weight", ""): parameter
        for name, parameter in controlnet.named_parameters()
        if parameter.requires_grad
    }


def _size(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape))
