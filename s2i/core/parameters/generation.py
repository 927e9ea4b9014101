"""The parameters of what follows the training: drawing, scoring, and studies of several variants."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from s2i.core.parameters.fields import Batch, Count, Group, Scheduler, Share


class Generate(Group):
    """How sketches are drawn: the settings of `s2i.diffusion.sampling`."""

    steps: Annotated[int, Field(ge=1, le=1000)] = Field(20, description="An image is drawn in this many steps.")
    guidance_scale: Annotated[float, Field(ge=1, le=50)] = Field(
        3.0, description="Predictions are led towards the prompt by this scale; 1 turns guidance by words off."
    )
    control_guidance_scale: Annotated[float, Field(ge=1, le=50)] = Field(
        1.0,
        description="Predictions are led towards the sketch by this scale; 1 turns guidance by the sketch off, and the "
        "same as guidance_scale costs no more than 1.",
    )
    negative_prompt: str = Field(
        "", description="What images are led away from by guidance, in words; empty takes the empty prompt."
    )
    conditioning_scale: Annotated[float, Field(ge=0, le=10)] = Field(
        1.0, description="What the ControlNets add to the UNet is scaled by this."
    )
    scheduler: Scheduler | None = Field(
        None, description="The noise scheduler; null is the one that the base came with."
    )
    guidance_rescale: Share = Field(
        0.0, description="Guided images are brought back to the contrast of unguided ones by this share."
    )
    guidance_interval: tuple[Share, Share] = Field(
        (0.0, 1.0), description="Guidance acts between these two shares of the steps."
    )
    control_interval: tuple[Share, Share] = Field(
        (0.0, 1.0), description="The sketch acts between these two shares of the steps."
    )
    batch_size: Batch = Field(16, description="This many images are drawn at a time.")
    prompts: Literal["given", "empty"] = Field(
        "given", description="Sketches are drawn with their prompts, or all without."
    )
    unprompted: Annotated[int, Field(ge=0)] = Field(
        4,
        description="Every n-th sketch is also drawn without its prompt, to see what prompts do; 0 turns this off.",
    )
    diversity: Annotated[int, Field(ge=0)] = Field(
        6,
        description="This many sketches are also drawn from three more seeds, to see how images of a sketch differ; 0 "
        "turns this off.",
    )

    @field_validator("negative_prompt")
    @classmethod
    def _acts(cls, negative_prompt: str, info: ValidationInfo) -> str:
        scales = [info.data.get(name) for name in ("guidance_scale", "control_guidance_scale")]
        if negative_prompt and scales == [1, 1]:
            raise ValueError("guidance_scale and control_guidance_scale are 1, which turns off the guidance it acts by")
        return negative_prompt

    @property
    def sampling(self) -> dict[str, Any]:
        """The settings of `s2i.diffusion.sampling`."""
        return self.model_dump(exclude={"batch_size", "prompts", "unprompted", "diversity"})


class Evaluate(Group):
    """How generated images are scored."""

    batch_size: Batch = Field(16, description="This many images are scored at a time.")
    level: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.95, description="Intervals hold the mean, and verdicts hold all at once, with this probability."
    )
    mosaic_rows: Count = Field(8, description="A mosaic shows this many sketches.")


class Study(Group):
    """What a study compares its variants by."""

    database: str = Field("data/sketchy/database", description="The folder of the Sketchy database.")
    items: Count = Field(
        100, description="Every variant draws this many held-out sketches, as many of each class as of the others."
    )
    reference: Literal["sketch", "photo"] = Field(
        "sketch", description="Generated images are compared with the sketches or with the photos."
    )
    grids: list[Count] = Field(
        [25, 50, 100], description="For each of these numbers a mosaic of that many images of a variant is made."
    )
    published: str | None = Field(
        None, description="This YAML file has published figures, by variant, to stand beside; null shows none."
    )
