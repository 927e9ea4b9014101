"""What a tiny ControlNet is given and gives."""

import torch


def inputs(controlnet, seed=0):
    rng = torch.Generator().manual_seed(seed)
    size = controlnet.config.cross_attention_dim
    channels = controlnet.config.in_channels
    return {
        "sample": torch.randn(1, channels, 8, 8, generator=rng),
        "timestep": torch.tensor([500]),
        "encoder_hidden_states": torch.randn(1, 5, size, generator=rng),
        "controlnet_cond": torch.rand(1, 3, 64, 64, generator=rng),
    }


@torch.no_grad()
def output(controlnet):
    down, mid = controlnet(**inputs(controlnet), return_dict=False)
    return torch.cat([tensor.flatten() for tensor in (*down, mid)])


def disturb(controlnet):
    """As if trained: everything that learns takes a step."""
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in controlnet.parameters():
            if parameter.requires_grad:
                parameter += 0.05 * torch.randn_like(parameter)
