"""Networks laid out on a device and held in a number format."""

import torch
from torch import nn

from s2i.core.devices import DTYPES

FUSED_FROM = 1024  # tokens; measured forward and backward with the shapes of Stable Diffusion 1.5 at 128 and 512 px


def move_to(device: torch.device, *models: nn.Module, channels_last: bool = True) -> None:
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

    def __init__(self):
        from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0  # takes seconds to import

        self.plain, self.fused = AttnProcessor(), AttnProcessor2_0()

    def __call__(self, attn: nn.Module, hidden_states: torch.Tensor, *arguments, **options) -> torch.Tensor:
        """hidden_states: (B, tokens, width); returns the same shape."""
        processor = self.plain if hidden_states.shape[1] < FUSED_FROM else self.fused
        return processor(attn, hidden_states, *arguments, **options)


def hold_in_precision(unet: nn.Module, precision: str) -> nn.Module:
    """Hold a frozen UNet in a number format and have it compute in that, whatever it is given and autocast says.

    What it returns is float32.  Timesteps stay as they are: bf16 cannot tell 998 from 999.
    """
    from accelerate.utils import convert_to_fp32, recursively_apply

    dtype = DTYPES[precision]
    forward = nn.Module.to(unet, dtype).forward  # diffusers' own warns of what may have to stay float32, here nothing

    def cast(data):
        return recursively_apply(lambda tensor: tensor.to(dtype), data, test_type=_is_floating)

    def forward_in_it(sample, timestep, encoder_hidden_states, **others):
        with torch.autocast(sample.device.type, enabled=False):
            return convert_to_fp32(forward(cast(sample), timestep, cast(encoder_hidden_states), **cast(others)))

    unet.forward = forward_in_it
    return unet


def _is_floating(value) -> bool:
    return torch.is_tensor(value) and value.is_floating_point()
