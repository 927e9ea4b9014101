"""Score the base on held-out renders and write its card.  Model, probes, renders -> card, metrics/base.json"""

import sys
from pathlib import Path

from s2i.core import params_file
from s2i.core.files import write_json
from s2i.embedded.pretraining import cards, score
from s2i.embedded.pretraining.params import BaseParams

model, probes, corpus, card, metrics = map(Path, sys.argv[1:])
settings = params_file.load("pipelines/base/params.yaml", BaseParams)
figures, mosaic, prompted = score.score(model, probes, corpus, settings.score, settings.resolution, settings.seed)
write_json(metrics, figures)
cards.write_model_card(model, card, settings, figures, mosaic, prompted)
