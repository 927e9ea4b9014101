"""Render the corpus: training images, and held-out ones of other seeds.  -> pipelines/base/renders"""

import sys
from pathlib import Path

from s2i.core import params_file
from s2i.embedded.pretraining.params import HELD_OUT_SEED, BaseParams
from s2i.embedded.rendering.write import write_corpus

target = Path(sys.argv[1])
settings = params_file.load("pipelines/base/params.yaml", BaseParams)
common = {"size": settings.resolution, "samples": settings.render.samples, "truth": True}
write_corpus(target / "held_out", settings.render.held_out, HELD_OUT_SEED, **common)
write_corpus(target / "train", settings.render.count, 0, **common)
