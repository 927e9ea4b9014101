"""Trained models in the formats of others: conventional LoRA of a ControlNet, LoRA of a UNet, modified LoRA."""

import json
from collections import Counter
from pathlib import Path
from pickle import UnpicklingError
from typing import NamedTuple

import torch
from diffusers import StableDiffusionPipeline
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


def extract_lora(trained: Path, untouched: str | Path, rank: int, target: Path) -> float:
    """Write the conventional LoRA of ``rank`` nearest to what training changed; the share of the change it keeps.

    trained, untouched: ControlNets in diffusers format.  ``target`` becomes a folder that
    ``ControlNetModel.load_lora_adapter`` reads.  Each changed weight W of a linear layer or convolution is W0 + B A,
    B A the best approximation of W - W0 of that rank in squared error (Eckart and Young, 1936); the share is that of
    the squared change of all weights, of biases and norms too, which LoRA cannot hold.
    Raises UserError when nothing differs, or the two are not of one shape.
    """
    before, after = base.load_controlnet(untouched), base.load_controlnet(trained)
    modules = dict(before.named_modules())
    whole, factors = 0.0, {}
    differences = _differences(before, after, trained, untouched)
    for name, difference in tqdm(differences.items(), desc="decompose", unit="layer"):
        whole += difference.square().sum().item()
        module, _, kind = name.rpartition(".")
        if kind == "weight" and isinstance(modules[module], (torch.nn.Linear, torch.nn.Conv2d)):
            left, values, right = torch.linalg.svd(difference.flatten(1), full_matrices=False)
            root, spare = values[:rank].sqrt(), max(0, rank - len(values))
            wide, narrow = (
                F.pad(left[:, :rank] * root, (0, spare)),
                F.pad(root[:, None] * right[:rank], (0, 0, 0, spare)),
            )
            factors[module] = wide, narrow, values[:rank].square().sum().item()
    if not factors:
        raise UserError(f"{trained} differs from {untouched} in biases and norms alone, which a LoRA cannot hold.")
    before.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=sorted(factors)))
    for module, (wide, narrow, _) in factors.items():
        layer = before.get_submodule(module)
        for part, value in ((layer.lora_A, narrow), (layer.lora_B, wide)):
            weight = part["default"].weight
            weight.data.copy_(value.reshape(weight.shape))
    before.save_lora_adapter(target)
    return sum(energy for *_, energy in factors.values()) / whole


def import_modified_lora(file: Path, untouched: str | Path, target: Path) -> int:
    """Turn a modified-LoRA checkpoint into a trained model: ``target``/controlnet and ``target``/adapter; its rank.

    file: a state dict with ``<attention>.to_q.original.weight``, ``.lora_A`` (rank, in) and ``.lora_B`` (out, rank) for
    to_q, to_k, to_v and to_out.0 of every attention, whose output is W0 x + (1 / rank) B A x; a bias that it does not
    hold stays the ControlNet's.
    untouched: the ControlNet it was trained from.
    Raises UserError when the file is no such state dict, is not whole, or is of another shape.
    """
    state = _state(file)
    ranks = {len(tensor) for name, tensor in state.items() if name.endswith(".lora_A") and tensor.ndim == 2}
    if len(ranks) != 1:
        raise UserError(f"{file} holds no modified LoRA of one rank: its .lora_A have {sorted(ranks) or 'no'} rows.")
    (rank,) = ranks
    controlnet = base.load_controlnet(untouched)
    adapters.inject(controlnet, "modified", rank, alpha=1)
    parameters = {_foreign(name): one for name, one in controlnet.named_parameters() if one.requires_grad}
    parameters = {name: one for name, one in parameters.items() if name in state or not name.endswith(".bias")}
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
    settings: dict

    def alpha(self, module: str) -> float:
        """What scales a module's B A, over its rank."""
        rank = len(self.state[module + DOWN])
        if not self.settings:
            return float(rank)
        special = self.settings.get("alpha_pattern") or {}
        alpha = special.get(get_pattern_key(special, module), self.settings["lora_alpha"])
        return alpha * rank**0.5 if self.settings.get("use_rslora") else float(alpha)


def read_unet_lora(folder: Path) -> UnetLora:
    """The LoRA in a folder that a pipeline's ``save_lora_weights`` wrote; without settings, alpha is the rank.

    Raises UserError when it is not there, cannot be read, or holds other than LoRA of the UNet.
    """
    file = Path(folder) / LORA_WEIGHT_NAME_SAFE
    try:
        with safe_open(file, "pt") as opened:
            named = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
            settings = json.loads((opened.metadata() or {}).get(LORA_ADAPTER_METADATA_KEY, "{}"))
    except (OSError, SafetensorError) as error:
        raise UserError(f"{file} cannot be read ({first_line(error)}); it must be a LoRA saved by diffusers.") from None
    state = convert_unet_state_dict_to_peft({name.removeprefix("unet."): named[name] for name in named})
    for name, peft_name in zip(named, state, strict=True):
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
    alpha = torch.tensor(common)  # not what diffusers writes, the rank
    kohya |= {name: alpha.clone() for name in kohya if name.endswith(".alpha")}
    target.mkdir(parents=True, exist_ok=True)
    save_file(kohya, target / "unet_lora.safetensors")


def _differences(before, after, trained, untouched) -> dict[str, torch.Tensor]:
    old, new = before.state_dict(), after.state_dict()
    if {name: tensor.shape for name, tensor in old.items()} != {name: tensor.shape for name, tensor in new.items()}:
        raise UserError(f"{trained} and {untouched} are not of one shape: name the ControlNet it was trained from.")
    differences = {name: new[name] - old[name] for name in old if not torch.equal(new[name], old[name])}
    if not differences:
        raise UserError(f"{trained} does not differ from {untouched}: there is nothing to export.")
    return differences


def _state(file: Path) -> dict[str, torch.Tensor]:
    try:
        state = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{file} is not there.") from None
    except (UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise UserError(f"{file} is no checkpoint of tensors alone ({first_line(error)}).") from None
    if not isinstance(state, dict) or not all(isinstance(one, torch.Tensor) for one in state.values()):
        raise UserError(f"{file} is no state dict: it must hold tensors by their names.")
    known = {name: tensor.float() for name, tensor in state.items() if name.endswith(PARTS)}
    return known or state


def _foreign(name: str) -> str:
    """The name of one of our parameters in a modified-LoRA checkpoint."""
    return name.replace("base_layer.", "original.").replace(".default.weight", "")


def _size(tensor: torch.Tensor) -> str:
    return " x ".join(map(str, tensor.shape))
