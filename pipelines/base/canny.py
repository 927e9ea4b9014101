"""Train the Canny ControlNet, and the base along with it.  renders/train, text_to_image -> models/base/whole"""

import sys
from pathlib import Path

from s2i import params
from s2i.pretraining import canny
from s2i.pretraining.params import BaseParams

corpus, text_to_image, target = map(Path, sys.argv[1:])
settings = params.load("pipelines/base/params.yaml", BaseParams)
canny.train(corpus, text_to_image, target, settings.canny, settings.text_to_image, settings.seed)
