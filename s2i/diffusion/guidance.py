"""Guidance towards a prompt and towards control images, each with a scale of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg

from s2i.core.params import Generate

Interval = tuple[float, float]
ALL_STEPS = (0.0, 1.0)


@dataclass(frozen=True)
class Guidance:
    """How far a prediction is led towards the prompt, by ``scale``, and towards the control images.

    With e(c, t) the prediction for control images c and prompt t, and 0 for no control image and for the negative
    prompt, the guided prediction is

        e(0, 0) + control_scale (e(c, 0) - e(0, 0)) + scale (e(c, t) - e(c, 0)).

    Both scales at 1 are no guidance, which is least work.  Equal scales are the classifier-free guidance of Ho and
    Salimans 2022 with neither prompt nor control image in its unconditional half; a control_scale of 1 leaves the
    control images in it, as pipelines of diffusers do.
    Source: Brooks et al. 2023, "InstructPix2Pix: learning to follow image editing instructions", equation 3.

    negative_prompt: what the image is led away from.
    rescale: share in [0, 1] by which guided predictions are brought back to the spread of the unguided ones (Lin et
    al. 2024, "Common diffusion noise schedules and sample steps are flawed").
    interval: the part of the steps in which there is guidance, as two shares of their number (Kynkäänniemi et al. 2024,
    "Applying guidance in a limited interval").
    """

    scale: float = 1.0
    control_scale: float = 1.0
    negative_prompt: str = ""
    rescale: float = 0.0
    interval: Interval = ALL_STEPS

    @classmethod
    def from_params(cls, generate: Generate) -> Self:
        """The one that ``generate`` of params.yaml asks for."""
        return cls(
            generate.guidance_scale,
            generate.control_guidance_scale,
            generate.negative_prompt,
            generate.guidance_rescale,
            generate.guidance_interval,
        )

    def branches(self, is_active: bool = True, has_control: bool = True) -> list["Branch"]:
        """The predictions that a step needs: those without control image first, that of the prompt last.

        is_active: whether there is guidance in the step.  has_control: whether control images act in it.
        """
        scale, control_scale = (self.scale, self.control_scale) if is_active else (1.0, 1.0)
        if not has_control:  # e(c, 0) is e(0, 0)
            control_scale = scale
        weighted = (
            Branch(1 - control_scale, is_prompted=False, is_controlled=False),
            Branch(control_scale - scale, is_prompted=False, is_controlled=has_control),
            Branch(scale, is_prompted=True, is_controlled=has_control),
        )
        return [branch for branch in weighted if branch.weight]

    def combine(self, model_output: torch.Tensor, branches: Sequence["Branch"]) -> torch.Tensor:
        """The guided prediction (B, C, h, w) of the model output (len(branches) * B, C, h, w) of all branches."""
        if len(branches) == 1:
            return model_output
        predictions = model_output.float().chunk(len(branches))  # a sum of large terms that cancel out
        guided = torch.stack(
            [branch.weight * prediction for branch, prediction in zip(branches, predictions, strict=True)]
        ).sum(dim=0)
        if self.rescale:
            guided = rescale_noise_cfg(guided, predictions[-1], self.rescale)
        return guided.to(model_output.dtype)


UNGUIDED = Guidance()


class Branch(NamedTuple):
    """A prediction with or without prompt and control image, and its weight in the guided one; all weights add to 1."""

    weight: float
    is_prompted: bool
    is_controlled: bool


def is_within(progress: Interval, interval: Interval) -> bool:
    """Whether a step, from one share of the steps to another, lies within a part of them."""
    return interval[0] <= progress[0] and progress[1] <= interval[1]
