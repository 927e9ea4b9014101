"""pipelines/base/params.yaml as a typed tree."""

from typing import Annotated

from pydantic import Field

from s2i.core.params import Count, Group, Optimisation, Share

HELD_OUT_SEED = 500_000  # training renders count up from 0
PHOTOS_SEED = 1_000_000


class Render(Group):
    """The training corpus, rendered and not kept in git."""

    count: Count
    samples: Count
    held_out: Count


class Photos(Group):
    """data/photos."""

    count: Count
    size: Count
    samples: Count


class Text(Group):
    """CLIP tokenizer and text encoder."""

    merges: Count
    width: Count
    layers: Count
    heads: Count


class Autoencoder(Optimisation):
    """AutoencoderKL, trained on crops."""

    channels: list[int]
    latent_channels: Count
    norm_groups: Count = Field(description="1: more groups take the colours out of so few channels")
    crop: Count
    perceptual_weight: Annotated[float, Field(ge=0)]
    perceptual_share: Share = Field(description="of the steps that also see the perceptual distance; it is slow")
    kl_weight: Annotated[float, Field(ge=0)]
    decoder_steps: Count = Field(description="steps that the decoder trains alone, on latents that no longer change")
    whitening_floor: Share = Field(description="share of the average variance below which a direction stays weak")


class TextToImage(Optimisation):
    """UNet2DConditionModel and the text encoder, trained together on cached latents."""

    channels: list[int]
    layers_per_block: Count
    attention_head_dim: Count
    prompts_per_image: Count
    empty_prompt: Share


class Canny(Optimisation):
    """The ControlNet pretrained on Canny edge maps, the UNet trained along with it."""

    prompt_dropout: Share
    control_dropout: Share
    conditioning_channels: list[int]


class Windows(Optimisation):
    """The window counter of the edge loss."""


class Score(Group):
    """What metrics/base.json is computed on."""

    autoencoder_images: Count
    color_images: Count
    canny_images: Count
    steps: Count
    guidance_scale: Annotated[float, Field(ge=1)]


class BaseParams(Group):
    """The whole of pipelines/base/params.yaml."""

    resolution: Count
    seed: int
    render: Render
    photos: Photos
    text: Text
    autoencoder: Autoencoder
    text_to_image: TextToImage
    canny: Canny
    windows: Windows
    score: Score
