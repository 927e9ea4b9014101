"""Render the corpus: images to train on, to validate on, and held-out ones.  -> pipelines/base/renders"""

from s2i.core import stage
from s2i.embedded.pretraining.params import FILE, HELD_OUT_SEED, VALIDATION_SEED, BaseParams
from s2i.embedded.rendering.write import write_corpus

with stage.run([], ["renders"], last="in place", params=FILE, tree=BaseParams) as run:
    size, render = run.params.resolution, run.params.render
    parts = {
        "held_out": (render.held_out, HELD_OUT_SEED),
        "validation": (render.validation, VALIDATION_SEED),
        "train": (render.count, 0),
    }
    for name, (count, first_seed) in parts.items():
        write_corpus(run.output / name, count, first_seed, size, render.samples, truth=True)
