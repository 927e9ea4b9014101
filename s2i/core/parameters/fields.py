"""What the groups of parameters are made of: ranges, names that may be chosen, and checks of templates."""

from collections.abc import Callable
from string import Formatter
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
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
    """A group of parameters; extra keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
