"""Train UNet and text encoder.  renders/train, autoencoder -> models/base/text_to_image"""

import sys
from pathlib import Path

from s2i.core import params_file
from s2i.embedded.pretraining import text_to_image
from s2i.embedded.pretraining.params import BaseParams

corpus, autoencoder, target = map(Path, sys.argv[1:])
settings = params_file.load("pipelines/base/params.yaml", BaseParams)
words, resolution, seed = settings.text, settings.resolution, settings.seed
text_to_image.train(corpus, autoencoder, target, settings.text_to_image, words, resolution, seed)
