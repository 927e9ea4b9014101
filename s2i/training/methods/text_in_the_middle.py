"""Sketch to caption to image: the words that a captioner finds for a sketch are all that the base is told of it.

Nothing is trained.  Who captions is said by ``caption``, as for photos; here it looks at the sketch.
"""

from pathlib import Path

from s2i.core.params import Params
from s2i.dataset.captioning.captions import caption
from s2i.diffusion.image_cache import GenerationTask
from s2i.training.methods import base
from s2i.training.methods.base import (
    train,  # noqa: F401
)

OF_PHOTO = ("matte", "caption", "captioned_by", "described", "described_by")  # what was seen in the photo


def draw_task(examples: list[dict], trained: Path, folder: Path, params: Params) -> GenerationTask:
    """From the caption of each example's sketch; answers that are no captions go into folder/quarantine.csv."""
    blind = [{name: value for name, value in one.items() if name not in OF_PHOTO} for one in examples]
    seen = [one | {"photo": one["sketch"], "sketches": {one["sketch_style"]: one["sketch"]}} for one in blind]
    captions = caption(seen, folder, params.seed, params.caption, params.workers, params.device, params.precision)
    said = [params.text_in_the_middle.naming.format(caption=one["caption"]) for one in captions]
    return base.untouched([one | {"prompt": prompt} for one, prompt in zip(examples, said, strict=True)], params)
