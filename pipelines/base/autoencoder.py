"""Train the autoencoder.  renders/train -> models/base/autoencoder"""

import sys
from pathlib import Path

from s2i import params
from s2i.pretraining import autoencoder
from s2i.pretraining.params import BaseParams

corpus, target = map(Path, sys.argv[1:])
settings = params.load("pipelines/base/params.yaml", BaseParams)
autoencoder.train(corpus, target, settings.autoencoder, settings.resolution, settings.seed)
