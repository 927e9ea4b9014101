"""Train the autoencoder.  renders/train -> models/base/autoencoder"""

import sys
from pathlib import Path

from s2i.core import params_file
from s2i.embedded.pretraining import autoencoder
from s2i.embedded.pretraining.params import BaseParams

corpus, target = map(Path, sys.argv[1:])
settings = params_file.load("pipelines/base/params.yaml", BaseParams)
autoencoder.train(corpus, target, settings.autoencoder, settings.resolution, settings.seed)
