"""The latent space of an autoencoder turned, cut and scaled by its 1x1 convolutions: images decode as before."""

import torch
from diffusers import AutoencoderKL

CERTAIN = -30.0  # the least log-variance that diffusers' posterior knows: what is drawn from it is its mean


@torch.no_grad()
def whiten(vae: AutoencoderKL, latents: torch.Tensor, floor: float) -> None:
    """Turn the latent space in place: channels uncorrelated, of variance near 1, and every image decoded as before.

    An autoencoder keeps hue in directions a thousand times weaker than lightness, and noise hides those from whatever
    learns to draw latents.  The posterior shrinks to its mean, as its noise, turned, would be the same in no two
    directions.  Channels are sorted, the weakest first.
    latents: means it gives, (N, C, h, w).  floor: directions whose variance is a smaller share of the average than this
    stay weaker, since they hold little.
    """
    rows = latents.movedim(1, -1).flatten(0, -2).double()
    center = rows.mean(dim=0)
    variances, directions = torch.linalg.eigh(torch.cov((rows - center).T))
    strengths = (variances + floor * variances.mean()).rsqrt()
    turn, back = strengths[:, None] * directions.T, directions / strengths

    quantise, channels = vae.quant_conv, len(center)
    weight, bias = quantise.weight[:channels, :, 0, 0].double(), quantise.bias[:channels].double()
    quantise.weight[:channels, :, 0, 0] = (turn @ weight).to(quantise.weight)
    quantise.bias[:channels] = (turn @ (bias - center)).to(quantise.bias)
    quantise.weight[channels:], quantise.bias[channels:] = 0, CERTAIN
    decode = vae.post_quant_conv
    weight = decode.weight[:, :, 0, 0].double()
    decode.bias += (weight @ center).to(decode.bias)
    decode.weight[:, :, 0, 0] = (weight @ back).to(decode.weight)
    vae.register_to_config(scaling_factor=1.0)


@torch.no_grad()
def keep_strongest(vae: AutoencoderKL, channels: int) -> AutoencoderKL:
    """The autoencoder with the last ``channels`` of its latent channels alone, which after `whiten` are the strongest.

    Both 1x1 convolutions are folded into their neighbours, so that the new ones are identities to train on from.  At
    the border the bias of the second is lost, as its neighbour pads with zeros.
    """
    config = dict(vae.config) | {"latent_channels": channels}
    kept = AutoencoderKL.from_config(config)
    weights = vae.state_dict()
    quantise, decode = weights["quant_conv.weight"][:, :, 0, 0], weights["post_quant_conv.weight"][:, :, 0, 0]
    whole = len(decode)
    rows = torch.arange(whole - channels, whole)

    means = torch.einsum("oi,ihwk->ohwk", quantise[rows], weights["encoder.conv_out.weight"])
    bias = quantise[rows] @ weights["encoder.conv_out.bias"] + weights["quant_conv.bias"][rows]
    entrance = torch.einsum("oihw,ik->okhw", weights["decoder.conv_in.weight"], decode[:, rows])
    offset = torch.einsum("oihw,i->o", weights["decoder.conv_in.weight"], weights["post_quant_conv.bias"])
    changed = {
        "encoder.conv_out.weight": torch.cat([means, torch.zeros_like(means)]),
        "encoder.conv_out.bias": torch.cat([bias, torch.full_like(bias, CERTAIN)]),
        "decoder.conv_in.weight": entrance,
        "decoder.conv_in.bias": weights["decoder.conv_in.bias"] + offset,
    }
    for name, size in (("quant_conv", 2 * channels), ("post_quant_conv", channels)):
        changed[f"{name}.weight"], changed[f"{name}.bias"] = torch.eye(size)[:, :, None, None], torch.zeros(size)
    kept.load_state_dict(weights | changed)
    _hold_certain(kept, channels)
    return kept


def _hold_certain(vae: AutoencoderKL, channels: int) -> None:
    """See to it that no gradient reaches the log-variances: nothing samples from them."""

    def mask(gradient: torch.Tensor) -> torch.Tensor:
        held = gradient.clone()
        held[channels:] = 0
        return held

    for layer in (vae.encoder.conv_out, vae.quant_conv):
        for parameter in layer.parameters():
            parameter.register_hook(mask)
