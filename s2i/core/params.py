"""params.yaml as one typed tree; s2i.core.params_file reads the file and words its errors."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from s2i.core.parameters.data import (
    Augment,
    Caption,
    Encode,
    Ingest,
    Matte,
    Pair,
    Survey,
    Vlm,
    Workers,
)
from s2i.core.parameters.fields import Condition, Count, Group, Scheduler, Seed, Share, Style, template
from s2i.core.parameters.generation import Evaluate, Generate, Study
from s2i.core.parameters.training import (
    Distill,
    DreamBooth,
    EdgeLoss,
    Learned,
    Optimisation,
    TextInTheMiddle,
    TextualInversion,
    Train,
)

__all__ = [  # the groups are imported from here
    "Augment",
    "Caption",
    "Condition",
    "Count",
    "Distill",
    "DreamBooth",
    "EdgeLoss",
    "Encode",
    "Evaluate",
    "Generate",
    "Group",
    "Ingest",
    "Learned",
    "Matte",
    "Optimisation",
    "Pair",
    "Params",
    "Scheduler",
    "Seed",
    "Share",
    "Study",
    "Style",
    "Survey",
    "TextInTheMiddle",
    "TextualInversion",
    "Train",
    "Vlm",
    "Workers",
    "template",
]


class Params(Group):
    """The whole of params.yaml."""

    base: str = Field(description="The base model: a folder in diffusers format, or a hub id.")
    controlnet: str = Field(
        description="The ControlNet of the base for sketches: a folder in diffusers format, or a hub id."
    )
    method: Literal["base", "controlnet", "text_in_the_middle", "dreambooth", "textual_inversion"] = Field(
        "controlnet", description="The way in which the model learns to draw photos from sketches."
    )
    conditions: Annotated[list[Condition], Field(min_length=1)] = Field(
        ["sketch"], description="The model draws from these control images, each with a ControlNet of its own."
    )
    adapter: Literal["none", "full", "attention", "lora", "modified", "two-step"] = Field(
        "full",
        description="What is trained: all weights, those of the attention, or low-rank updates of these; none trains "
        "nothing.",
    )
    rank: Annotated[int, Field(ge=1, le=4096)] = Field(
        description="The rank of the low-rank updates, with adapter lora, modified and two-step."
    )
    resolution: Annotated[int, Field(ge=64, le=4096, multiple_of=64)] = Field(
        description="The longest side of photos, sketches and generated images is this many pixels."
    )
    seed: Seed = Field(0, description="All random choices follow from this number.")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="The device that models run on; auto is the first GPU, else the CPU."
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto",
        description="The number format of models; auto is bf16 where the device computes in it, fp16 on other CUDA "
        "GPUs, else fp32.",
    )
    workers: Workers = Workers()
    ingest: Ingest = Ingest()
    pair: Pair = Pair()
    caption: Caption = Caption()
    matte: Matte = Matte()
    survey: Survey = Survey()
    augment: Augment = Augment()
    encode: Encode = Encode()
    train: Train
    dreambooth: DreamBooth = DreamBooth()
    textual_inversion: TextualInversion = TextualInversion()
    text_in_the_middle: TextInTheMiddle = TextInTheMiddle()
    distill: Distill = Distill()
    generate: Generate = Generate()
    evaluate: Evaluate = Evaluate()
    study: Study = Study()
    variants: dict[str, dict[str, Any] | None] = Field(
        {}, description="The variants of a study: by name, the settings that differ, by dotted key."
    )

    @property
    def training_seed(self) -> int:
        """The seed of the training: its own where it has one."""
        return self.seed if self.train.seed is None else self.train.seed

    @model_validator(mode="after")
    def _can_reach_a_plateau(self) -> Self:
        if self.adapter == "two-step" and self.train.switch == "plateau" and self.train.patience is None:
            raise ValueError("train.switch is plateau, which train.patience must define; it is null")
        return self

    @field_validator("conditions")
    @classmethod
    def _differ(cls, conditions: list[Condition]) -> list[Condition]:
        if len(set(conditions)) < len(conditions):
            raise ValueError("each condition may stand there once")
        return conditions
