"""Render the corpus: training pictures, and held-out ones of other seeds.  -> pipelines/base/renders"""

import sys
from pathlib import Path

from s2i import params
from s2i.corpus.write import write_corpus
from s2i.pretraining.params import HELD_OUT_SEED, BaseParams

target = Path(sys.argv[1])
settings = params.load("pipelines/base/params.yaml", BaseParams)
common = {"size": settings.resolution, "samples": settings.render.samples, "truth": True}
write_corpus(target / "held_out", settings.render.held_out, HELD_OUT_SEED, **common)
write_corpus(target / "train", settings.render.count, 0, **common)
