"""Which weights of the ControlNet learn: all, its attention, low-rank updates of it (LoRA), or both."""

from pathlib import Path

from diffusers import ControlNetModel
from peft import LoraConfig
from safetensors.torch import save_file

PROJECTIONS = ("to_q", "to_k", "to_v", "to_out.0")  # of attn1 and attn2 in every transformer block
LOW_RANK = ("lora", "modified")


def inject(controlnet: ControlNetModel, adapter: str, rank: int, alpha: float | None = None) -> None:
    """Set up ``controlnet`` in place so that only what ``adapter`` names requires gradients.

    adapter: ``full``: every weight W0.  ``attention``: W0 of the attention projections.  ``lora``: a low-rank update dW
    beside each projection, W0 frozen (Hu et al. 2021, "LoRA").  ``modified``: W0 and dW of the projections both.
    The output is W0 x + (alpha / rank) B A x with B = 0 at first, so an untrained adapter changes nothing;
    alpha defaults to the rank.
    """
    controlnet.requires_grad_(adapter == "full")
    if adapter in LOW_RANK:
        scale = rank if alpha is None else alpha
        controlnet.add_adapter(LoraConfig(r=rank, lora_alpha=scale, target_modules=list(PROJECTIONS)))
    if adapter in ("attention", "modified"):
        for name, parameter in controlnet.named_parameters():
            if _module(name).endswith(PROJECTIONS):
                parameter.requires_grad_(True)


def save(controlnet: ControlNetModel, folder: Path) -> None:
    """Write what was trained into ``folder``, and leave ``controlnet`` merged: plain, with every dW added to its W0.

    ``folder/controlnet`` is a whole ControlNet in diffusers format.  ``folder/adapter`` holds the low-rank updates as
    ``ControlNetModel.load_lora_adapter`` reads them, and in ``weights.safetensors`` the trained W0.
    """
    trained = {
        name.replace(".base_layer", ""): parameter.detach().contiguous()
        for name, parameter in controlnet.named_parameters()
        if parameter.requires_grad and "lora_" not in name
    }
    (folder / "adapter").mkdir(parents=True)
    if trained:
        save_file(trained, folder / "adapter" / "weights.safetensors")
    if hasattr(controlnet, "peft_config"):
        controlnet.save_lora_adapter(folder / "adapter")
        controlnet.fuse_lora()
        controlnet.unload_lora()
    controlnet.save_pretrained(folder / "controlnet")


def _module(parameter_name: str) -> str:
    """The projection that a weight or bias belongs to, low-rank parts excluded."""
    return parameter_name.rpartition(".")[0].removesuffix(".base_layer")
