"""pipelines/base/params.yaml as a typed tree."""

from typing import Annotated

from pydantic import Field

from s2i.core.params import Count, Group, Optimisation, Share

FILE = "pipelines/base/params.yaml"
HELD_OUT_SEED = 500_000  # training renders count up from 0
VALIDATION_SEED = 700_000
PHOTOS_SEED = 1_000_000


class Render(Group):
    """The training corpus, rendered and not kept in git."""

    count: Count
    samples: Count
    held_out: Count
    validation: Count = Field(description="Held-out renders that training looks at, and no figure is computed on.")


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


class CrispDecoding(Optimisation):
    """The training of a decoder whose images are to be crisp."""

    crop: Count
    lpips_weight: Annotated[float, Field(ge=0, description="The weight of LPIPS, which every other step sees.")]
    latent_noise: Annotated[float, Field(ge=0, description="The most noise on latents, in their standard deviations.")]
    adversary_from: int = Field(ge=0, description="The step from which on the discriminator takes part.")
    adversary_ramp: Count = Field(description="The steps in which its weight grows to the whole.")
    adversary_weight: Annotated[float, Field(ge=0)]
    adversary_learning_rate: Annotated[float, Field(gt=0)]

    def rate_of(self, parameter: str) -> float:
        """The learning rate of a parameter by its name in a module that has a ``discriminator``."""
        return self.adversary_learning_rate if parameter.startswith("discriminator.") else self.learning_rate


class CrispAutoencoding(CrispDecoding):
    """The second part of the autoencoder's training: few latent channels, crisp images."""

    halved_weight: Annotated[float, Field(ge=0, description="The weight of latents and images reduced to a half.")]
    latent_weight: Annotated[float, Field(ge=0, description="The weight of the latents' mean square.")]


class TinyDecoder(CrispDecoding):
    """AutoencoderTiny, which decodes the same latents in a fraction of the time."""

    width: Count = Field(description="Its channels at every resolution.")
    blocks: list[int] = Field(description="Its residual blocks at every resolution, the coarsest first.")


class Autoencoder(Optimisation):
    """AutoencoderKL, trained on crops: its first part, with many latent channels, and `crisp`, the second."""

    channels: list[int]
    wide_latent_channels: Count
    latent_channels: Count
    norm_groups: Count = Field(description="1: more groups take the colours out of so few channels.")
    crop: Count
    perceptual_weight: Annotated[float, Field(ge=0)]
    perceptual_share: Share = Field(description="The share of the steps that also see the perceptual distance.")
    kl_weight: Annotated[float, Field(ge=0)]
    whitening_floor: Share = Field(description="The share of the mean variance below which a direction stays weak.")
    crisp: CrispAutoencoding


class Sampling(Group):
    """How images are drawn to look at."""

    steps: Count
    guidance_scale: Annotated[float, Field(ge=1)]


class Controls(Group):
    """The control images of the corpus, beside Canny edges."""

    styles: list[str] = Field(description="The styles of sketches that renders are drawn in.")
    drawn: Count = Field(description="In how many of them each render is drawn.")


class Denoiser(Optimisation):
    """UNet2DConditionModel, ControlNet and text encoder, trained together on latents."""

    channels: list[int]
    layers_per_block: Count
    attention_head_dim: Count
    conditioning_channels: list[int] = Field(description="The channels of the ControlNet's embedding of its image.")
    prompts_per_image: Count
    drop_part: Share = Field(description="The share of known parts that a wording leaves out.")
    synonym: Share = Field(description="The share of parts that a wording says with another word.")
    prompt_dropout: Share = Field(description="The share of examples without words.")
    control_dropout: Share = Field(description="The share of examples without a control image.")
    halved_share: Share = Field(description="The share of the steps, the first, that see everything at half its size.")
    short_prompts: Count = Field(description="The tokens that the UNet is shown of a prompt at first.")
    short_share: Share = Field(description="The share of the steps with so few tokens; then it is shown all of them.")
    timestep_mean: float = Field(description="The mean of the logit of the timestep, from 0 to 1.")
    timestep_deviation: Annotated[float, Field(gt=0)]
    uniform_timesteps: Share = Field(description="The share of timesteps that are drawn alike from all.")
    alignment_weight: Annotated[float, Field(ge=0)]
    alignment_width: Count
    alignment_share: Annotated[float, Field(gt=0, le=1, description="The share of the steps that features align in.")]
    sampling: Sampling = Field(description="How held-out edge maps are drawn every `validate_every` steps.")


class Windows(Optimisation):
    """The window counter of the edge loss."""


class Score(Group):
    """What metrics/base.json is computed on."""

    autoencoder_images: Count
    prompted_images: Count
    controlled_images: Count
    varied_images: Count = Field(description="Edge maps that are drawn from several seeds.")
    seeds: Count
    sampling: Sampling


class BaseParams(Group):
    """The whole of pipelines/base/params.yaml."""

    resolution: Count
    seed: int
    render: Render
    photos: Photos
    text: Text
    autoencoder: Autoencoder
    controls: Controls
    denoiser: Denoiser
    tiny_decoder: TinyDecoder
    windows: Windows
    score: Score
