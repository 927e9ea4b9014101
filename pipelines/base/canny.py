"""Train the Canny ControlNet and put the whole base together.  renders/train, text_to_image -> models/base/whole"""

import shutil
import sys
from pathlib import Path

from s2i import params
from s2i.pretraining import canny
from s2i.pretraining.params import BaseParams

corpus, text_to_image, target = map(Path, sys.argv[1:])
settings = params.load("pipelines/base/params.yaml", BaseParams)
canny.train(corpus, text_to_image, target / "controlnet", settings.canny, settings.text_to_image, settings.seed)
shutil.copytree(text_to_image, target, dirs_exist_ok=True)
