"""What the groups of parameters are made of: ranges, names that may be chosen, and checks of templates."""

from collections.abc import Callable
from string import Formatter
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=10**9)]
Batch = Annotated[int, Field(ge=1, le=4096)]  # images that are computed together
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Condition = Literal["sketch", "edges", "material", "drawing"]
Scheduler = Literal["ddim", "dpm-solver++", "unipc", "euler", "lcm"]
Abstraction = Literal["mixed", "fine", "middle", "gist"]
Style = Literal[
    "given", "pencil", "xdog", "canny", "line", "hed", "graphite", "ballpoint", "ink", "marker", "architect"
]
HeldOutStyle = Literal["charcoal", "stipple"]
HELD_OUT_STYLES = get_args(HeldOutStyle)
"""Styles that no model is ever trained on: a medium and a way of making strokes that no other style has.

They were named before the first training that they measure.  What a model draws of them says what it makes of
drawings unlike those that it learned from, so `pair.styles` refuses them; `pair.test_styles` takes them.
"""


class Group(BaseModel):
    """A group of parameters; extra keys are errors, and so are infinities, and true and false for numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _number_is_no_truth(cls, value: Any, info: ValidationInfo) -> Any:
        annotation = cls.model_fields[str(info.field_name)].annotation
        if _holds_truth(value) and not _may_be(annotation, (bool, Any)):
            raise ValueError("it may not be true or false")
        return value


def _holds_truth(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, list) and any(map(_holds_truth, value)))


def _may_be(annotation: Any, types: tuple[Any, ...]) -> bool:
    """Whether a type, or one that it is made of, is one of some types or a group of parameters."""
    if annotation in types or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return True
    return any(_may_be(part, types) for part in get_args(annotation) if not isinstance(part, str))


def each_once(values: list[str]) -> list[str]:
    """A list in which nothing may stand twice."""
    if len(set(values)) < len(values):
        raise ValueError("each may stand there once")
    return values


def template(*words: str) -> Callable[[str], str]:
    """A check of prompt templates: they name at least one of ``words``, as {word}, and nothing else."""

    def check(text: str) -> str:
        try:
            named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        except ValueError:
            named = set()
        if not named or named - set(words):
            raise ValueError(f"it must name {' or '.join(f'{{{word}}}' for word in words)}, and nothing else in braces")
        return text

    return check
