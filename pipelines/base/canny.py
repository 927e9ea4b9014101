"""Train the Canny ControlNet, and the base along with it.  renders/train, text_to_image -> models/base/whole"""

import sys
from pathlib import Path

from s2i.core import params_file
from s2i.embedded.pretraining import controlnet
from s2i.embedded.pretraining.params import BaseParams

corpus, text_to_image, target = map(Path, sys.argv[1:])
settings = params_file.load("pipelines/base/params.yaml", BaseParams)
controlnet.train(corpus, text_to_image, target, settings.canny, settings.text_to_image, settings.seed)
