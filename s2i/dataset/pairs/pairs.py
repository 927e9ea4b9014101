"""A photo, its sketch, its matte and its prompt, as bytes: what every layout is written from."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from s2i.core.errors import UserError
from s2i.core.records import is_licensed
from s2i.imaging import io

ABOUT = ("source", "sketch_style", "licence", "author", "source_url")  # what goes along with each pair


@dataclass(frozen=True)
class Pair:
    """An example to train on.

    name: unlike that of any other pair, of letters, digits and hyphens.  photo, sketch, mask: PNG files of one size,
    RGB, grey and grey; the mask is white where the building is.  about: a text for each of `ABOUT`.
    """

    name: str
    split: str
    photo: bytes
    sketch: bytes
    mask: bytes
    prompt: str
    about: Mapping[str, str]
    side: int  # pixels


@dataclass
class Summary:
    """What was exported."""

    splits: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    styles: Counter[str] = field(default_factory=Counter)
    unlicensed: int = 0  # without a licence, or without an author and a source
    without_prompt: int = 0
    side: int = 0  # pixels

    def counting(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """The pairs, counted as they pass."""
        for pair in pairs:
            self.splits[pair.split] += 1
            self.licences[pair.about["licence"] or "not known"] += 1
            self.styles[pair.about["sketch_style"]] += 1
            self.unlicensed += not is_licensed(pair.about)
            self.without_prompt += not pair.prompt
            self.side = pair.side
            yield pair


@dataclass(frozen=True)
class Export:
    """What a layout is written with.

    folder: where to write now.  target: where the folder will stand.  summary: filled while the pairs pass.
    mask_weight: of the loss outside the building, train.background_weight in params.yaml.
    """

    folder: Path
    target: Path
    summary: Summary
    mask_weight: float


def pairs_of(record: dict) -> list[Pair]:
    """The pairs of a record: an example of data/augmented is one; a photo of data/captioned gives one a sketch.

    Photo and matte are mirrored where the example is.  Where there is no matte, the mask is white all over.
    Raises UserError for a record without sketches or without a caption.
    """
    if "sketch" in record:
        return [_pair(record, f"{record['id']}-{record['variant']}")]
    if not record.get("sketches") or "caption" not in record:
        raise UserError(
            "the records have no sketches or no captions yet: let --data name data/augmented or data/captioned."
        )
    return [
        _pair(
            record | {"sketch": sketch, "sketch_style": style, "flip": False, "prompt": record["caption"]},
            f"{record['id']}-{style}",
        )
        for style, sketch in sorted(record["sketches"].items())
    ]


def _pair(record: dict, name: str) -> Pair:
    photo, sketch = io.read(record["photo"]), io.read_grey(record["sketch"])
    mask = io.read_grey(record["matte"]) if "matte" in record else np.full(photo.shape[:2], 255, np.uint8)
    photo_png, sketch_png, mask_png = (
        io.png_bytes(np.ascontiguousarray(image[:, ::-1] if record["flip"] else image))
        for image in (photo, sketch, mask)
    )
    return Pair(
        name=name,
        split=record["split"],
        photo=photo_png,
        sketch=sketch_png,
        mask=mask_png,
        prompt=" ".join(record["prompt"].split()),  # one line, as files of captions are read by lines
        about={key: str(record.get(key) or "") for key in ABOUT},
        side=photo.shape[0],
    )
