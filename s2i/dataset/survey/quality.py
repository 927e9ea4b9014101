"""Photos that are dark, light, blurred or empty, or of odd sizes, as the library CleanVision finds them.

Source: https://github.com/cleanlab/cleanvision, with its own measures and thresholds.
"""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from s2i.core import cache, tables
from s2i.core.errors import UserError
from s2i.core.parallel import fan_out
from s2i.core.params import Workers
from s2i.imaging import io

ISSUES = ("dark", "light", "blurry", "low_information", "odd_size", "odd_aspect_ratio")


def check(records: Collection[Mapping], file: Path, workers: Workers) -> dict[str, int]:
    """{issue: number of photos}; each photo with an issue is a row of ``file``: source, issue, score in [0, 1].

    The lower a score, the worse.  Sizes are those of the photos as they came, all else is measured on the square images
    of the run.  Raises UserError where CleanVision is not installed.
    """
    try:
        from cleanvision.issue_managers.image_property_issue_manager import ImagePropertyIssueManager
    except ImportError:
        raise UserError(
            "survey.quality is true, but cleanvision is not installed: pip install -e '.[quality]', or set it to false."
        ) from None
    import pandas as pd

    measured = pd.DataFrame(list(fan_out(_measures, records, "checking quality", workers)))
    sources = [record["source"] for record in records]
    settings = ImagePropertyIssueManager().get_default_params()
    counts, rows = {}, []
    for issue, property in _properties().items():
        options = {name: value for name, value in settings[issue].items() if name != "threshold"}
        scores = property.get_scores(measured, issue, **options)
        marked = property.mark_issue(scores, issue, settings[issue].get("threshold"))[f"is_{issue}_issue"]
        rows += [(sources[index], issue, f"{scores[f'{issue}_score'][index]:.3f}") for index in measured.index[marked]]
        counts[issue] = int(marked.sum())
    with open(file, "w", encoding="utf-8", newline="") as table:
        tables.write(table, [("source", "issue", "score"), *sorted(rows)])
    return counts


def _properties() -> dict[str, Any]:
    from cleanvision.issue_managers import image_property

    makers = {
        "dark": lambda: image_property.BrightnessProperty("dark"),
        "light": lambda: image_property.BrightnessProperty("light"),
        "blurry": image_property.BlurrinessProperty,
        "low_information": image_property.EntropyProperty,
        "odd_size": image_property.SizeProperty,
        "odd_aspect_ratio": image_property.AspectRatioProperty,
    }
    return {issue: makers[issue]() for issue in ISSUES}


def _measures(record: Mapping) -> dict[str, float]:
    """What CleanVision measures of a photo, by its names."""
    width, height = record["width"], record["height"]
    photo = record["photo"]
    of_pixels = cache.remember(lambda: _of_pixels(photo), "quality", cache.code(__name__), cache.file_hash(photo))
    return of_pixels | {"size": math.sqrt(width * height), "aspect_ratio": min(width / height, height / width)}


def _of_pixels(photo: str) -> dict[str, float]:
    from PIL import Image

    image = Image.fromarray(io.read(Path(photo)))
    measures: dict[str, float] = {}
    for issue, property in _properties().items():
        if issue not in ("odd_size", "odd_aspect_ratio"):
            measures |= {name: float(value) for name, value in property.calculate(image).items()}
    return measures
