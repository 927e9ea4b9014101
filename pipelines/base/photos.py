"""Render the embedded photos with their truth, and their data card.  -> models/base/photos"""

import sys
from pathlib import Path

from s2i import params
from s2i.corpus.write import write_corpus
from s2i.pretraining.cards import write_photos_card
from s2i.pretraining.params import PHOTOS_SEED, BaseParams

target = Path(sys.argv[1])
settings = params.load("pipelines/base/params.yaml", BaseParams).photos
write_corpus(target, settings.count, PHOTOS_SEED, settings.size, settings.samples, truth=True)
write_photos_card(target)
