"""Which weights of a ControlNet or UNet learn: all, its attention, low-rank updates of it (LoRA), or both."""

import warnings
from pathlib import Path

import torch
from diffusers import ControlNetModel, StableDiffusionPipeline, UNet2DConditionModel
from peft import LoraConfig, get_peft_model_state_dict
from safetensors.torch import save_file

PROJECTIONS = ("to_q", "to_k", "to_v", "to_out.0")  # of attn1 and attn2 in every transformer block
LOW_RANK = ("lora", "modified")


def inject(
    model: ControlNetModel | UNet2DConditionModel,
    adapter: str,
    rank: int,
    alpha: float | None = None,
    encoder_blocks: int = 0,
) -> None:
    """Set up ``model`` in place so that only what ``adapter`` names requires gradients.

    adapter: ``none``: nothing.  ``full``: every weight W0.  ``attention``: W0 of the attention projections.  ``lora``:
    a low-rank update dW beside each projection, W0 frozen (Hu et al. 2021, "LoRA").  ``modified``: W0 and dW of the
    projections both.
    The output is W0 x + (alpha / rank) B A x with B = 0 at first, so an untrained adapter changes nothing;
    alpha defaults to the rank.
    encoder_blocks: how many of the first blocks of a ControlNet train beside it, whole: the encoder of the control
    image, then down blocks.  Warns of a rank beyond which nothing is gained.
    """
    model.requires_grad_(adapter == "full")
    if adapter in LOW_RANK:
        widest = max(min(module.weight.shape) for name, module in model.named_modules() if _is_projection(name))
        if rank > widest:
            warnings.warn(f"rank {rank}: the widest update of this model has rank {widest}.", stacklevel=2)
        scale = rank if alpha is None else alpha
        model.add_adapter(LoraConfig(r=rank, lora_alpha=scale, target_modules=list(PROJECTIONS)))
    if adapter in ("attention", "modified"):
        for name, parameter in model.named_parameters():
            if _is_projection(_projection_of(name)):
                parameter.requires_grad_(True)
    if encoder_blocks:
        blocks = [model.controlnet_cond_embedding, *model.down_blocks]
        for block in blocks[:encoder_blocks]:
            block.requires_grad_(True)


def is_low_rank(parameter_name: str) -> bool:
    """Whether a parameter is part of dW."""
    return "lora_" in parameter_name


def merge(controlnet: ControlNetModel) -> None:
    """Add every dW to its W0; what is left is a plain ControlNet."""
    if getattr(controlnet, "peft_config", None):
        controlnet.fuse_lora()
        controlnet.unload_lora()


def save(controlnet: ControlNetModel, folder: Path, adapter: Path, projections: bool = False) -> None:
    """Write what was trained, and leave ``controlnet`` merged.

    ``folder`` becomes a whole ControlNet in diffusers format.  ``adapter`` holds the low-rank updates as
    ``ControlNetModel.load_lora_adapter`` reads them, and in ``weights.safetensors`` the W0 that differ from the
    base's: those that train, and with ``projections`` those of the attention, which trained before.
    """
    changed = {
        name.replace(".base_layer", ""): parameter.detach().contiguous()
        for name, parameter in controlnet.named_parameters()
        if not is_low_rank(name) and (parameter.requires_grad or (projections and _is_projection(_projection_of(name))))
    }
    adapter.mkdir(parents=True)
    if changed:
        save_file(changed, adapter / "weights.safetensors")
    if getattr(controlnet, "peft_config", None):
        controlnet.to(memory_format=torch.contiguous_format).save_lora_adapter(adapter)
    merge(controlnet)
    controlnet.save_pretrained(folder)


def save_unet_lora(pipeline: StableDiffusionPipeline, folder: Path) -> None:
    """Write the low-rank updates of the pipeline's UNet as ``load_lora_weights`` reads them."""
    metadata = pipeline.unet.peft_config["default"].to_dict()
    state = get_peft_model_state_dict(pipeline.unet.to(memory_format=torch.contiguous_format))
    pipeline.save_lora_weights(folder, state, unet_lora_adapter_metadata=metadata)


def _is_projection(module_name: str) -> bool:
    return module_name.endswith(PROJECTIONS)


def _projection_of(parameter_name: str) -> str:
    """The projection that a weight or bias belongs to, low-rank parts excluded."""
    return parameter_name.rpartition(".")[0].removesuffix(".base_layer")
