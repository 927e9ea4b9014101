"""Sketch to caption to image: the caption of a sketch is all that the base is given of it.

Nothing is trained.  Who captions is said by ``caption``, as for photos; here it looks at the sketch.
"""

from pathlib import Path
from typing import Any

from s2i.core.params import Params
from s2i.dataset.captioning.captions import caption
from s2i.diffusion.image_cache import GenerationTask
from s2i.training.methods import base

OF_PHOTO = ("matte", "caption", "captioned_by", "described", "described_by")  # columns that tell what the photo shows

train = base.train
untouched_task = base.untouched_task


def generation_task(examples: list[dict[str, Any]], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From the caption of each example's sketch; answers that are no captions go into folder/quarantine.csv."""
    sketches = [_without_photo(example) for example in examples]
    captions = caption(sketches, folder, params.caption, params.workers, params.device, params.precision)
    naming = params.text_in_the_middle.naming
    prompts = [naming.format(caption=captioned["caption"]) for captioned in captions]
    prompted = [example | {"prompt": prompt} for example, prompt in zip(examples, prompts, strict=True)]
    return base.untouched_task(prompted, params)


def _without_photo(example: dict[str, Any]) -> dict[str, Any]:
    """The record as if its sketch were the photo, and nothing were known of the photo."""
    columns = {name: value for name, value in example.items() if name not in OF_PHOTO}
    return columns | {"photo": example["sketch"], "sketches": {example["sketch_style"]: example["sketch"]}}
