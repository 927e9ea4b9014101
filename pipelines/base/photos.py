"""Render the embedded photos with their truth, and their data card.  -> models/base/photos"""

import sys
from pathlib import Path

from s2i.core import params_file
from s2i.embedded.pretraining.cards import write_photos_card
from s2i.embedded.pretraining.params import PHOTOS_SEED, BaseParams
from s2i.embedded.rendering.write import write_corpus

target = Path(sys.argv[1])
settings = params_file.load("pipelines/base/params.yaml", BaseParams).photos
write_corpus(target, settings.count, PHOTOS_SEED, settings.size, settings.samples, truth=True)
write_photos_card(target)
