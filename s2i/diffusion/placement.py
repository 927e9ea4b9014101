"""Networks laid out on a device and held in a number format."""

from typing import Any

import torch
from accelerate.utils import convert_to_fp32, recursively_apply
from torch import nn

from s2i.core.devices import DTYPES

FUSED_FROM = 1024  # tokens; measured forward and backward with the shapes of Stable Diffusion 1.5 at 128 and 512 px


def move_to(device: torch.device, *models: Any, channels_last: bool = True) -> None:
    """Move UNets and ControlNets to a device, laid out as they train fastest there."""
    for model in models:
        model.to(device, memory_format=torch.channels_last if channels_last else torch.contiguous_format)
        if device.type == "cpu":
            model.set_attn_processor(AttentionBySize())
            for parameter in model.parameters():  # or a weights file mapped into memory stays there beside its copies
                parameter.data = parameter.data.clone()


class AttentionBySize:
    """Attention as it trains fastest on a CPU, for `set_attn_processor`.

    Among few tokens that is plain matrix products, whose gradients cost less than those of torch's fused attention;
    among many the fused one, which never holds the matrix of all tokens by all tokens.
    """

    def __init__(self) -> None:
        from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0  # takes seconds to import

        self.plain, self.fused = AttnProcessor(), AttnProcessor2_0()

    def __call__(self, attn: nn.Module, hidden_states: torch.Tensor, *arguments: Any, **options: Any) -> Any:
        """hidden_states: (B, tokens, width); returns the same shape."""
        processor = self.plain if hidden_states.shape[1] < FUSED_FROM else self.fused
        return processor(attn, hidden_states, *arguments, **options)


class HeldInPrecision(nn.Module):
    """A frozen UNet or ControlNet held in a number format, which it computes in whatever it is given.

    Autocast does not change that.  What it returns is float32.  Timesteps stay as they are: bf16 cannot tell 998 from
    999.  Everything else is that of the model, names of weights included.
    """

    def __init__(self, model: nn.Module, precision: str):
        super().__init__()
        self.model = nn.Module.to(model, DTYPES[precision])  # diffusers' own warns of what may have to stay float32

    def forward(
        self, sample: torch.Tensor, timestep: torch.Tensor, encoder_hidden_states: torch.Tensor, **options: Any
    ) -> Any:
        with torch.autocast(sample.device.type, enabled=False):
            sample, encoder_hidden_states, options = self._cast((sample, encoder_hidden_states, options))
            return convert_to_fp32(self.model(sample, timestep, encoder_hidden_states, **options))

    def _cast(self, tensors: Any) -> Any:
        """Tensors nested in tuples, lists and mappings in the model's number format, where they are floats."""
        dtype = self.model.dtype
        return recursively_apply(lambda tensor: tensor.to(dtype), tensors, test_type=_is_floating)

    def __getattr__(self, name: str) -> Any:
        """What is not this module's own is the model's: config, dtype, device, blocks."""
        model = super().__getattr__("model")
        return model if name == "model" else getattr(model, name)

    def state_dict(self, *arguments: Any, **options: Any) -> Any:
        return self.model.state_dict(*arguments, **options)


def _is_floating(value: Any) -> bool:
    return torch.is_tensor(value) and value.is_floating_point()
