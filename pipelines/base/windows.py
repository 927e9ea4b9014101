"""Train the window counter.  renders -> models/base/windows.safetensors, metrics/windows.json"""

import sys
from pathlib import Path

from s2i import params
from s2i.files import write_json
from s2i.pretraining import windows
from s2i.pretraining.params import BaseParams

corpus, target, metrics = map(Path, sys.argv[1:])
settings = params.load("pipelines/base/params.yaml", BaseParams)
windows.train(corpus / "train", target, settings.windows, settings.seed)
write_json(metrics, windows.score(target, corpus / "held_out"))
