"""The data card: what a survey found, as Markdown."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

MAX_HOLES = 30  # that are listed


def card(
    figures: Mapping[str, Any], unlicensed_sources: Sequence[str], refused: Sequence[Mapping], max_sampled: int
) -> str:
    """The text of the card, as card.md.j2 lays it out.

    figures: those of metrics/data.json.  refused: rows of quarantine.csv.  max_sampled: on how many rendered photos the
    sketch styles that pair.styles lacks are scored.
    """
    template = Path(__file__).with_name("card.md.j2").read_text(encoding="utf-8")
    environment = Environment(trim_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined)
    return environment.from_string(template).render(
        figures=figures,
        unknown={name: count for name, count in figures["coverage"]["unknown"].items() if count},
        max_holes=MAX_HOLES,
        max_sampled=max_sampled,
        sketch_f1={style: f"{f1['mean']:.2f}" for style, f1 in figures.get("sketch_f1", {}).items()},
        unlicensed_sources=unlicensed_sources,
        refused=[f"{row['file']}: {row['reason']}" for row in refused],
    )
