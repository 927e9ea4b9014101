"""Train the window counter.  renders -> models/base/windows.safetensors, metrics/windows.json"""

import sys
from pathlib import Path

from s2i.core import params_file
from s2i.core.files import write_json
from s2i.embedded.pretraining import window_counter
from s2i.embedded.pretraining.params import BaseParams

corpus, target, metrics = map(Path, sys.argv[1:])
settings = params_file.load("pipelines/base/params.yaml", BaseParams)
window_counter.train(corpus / "train", target, settings.windows, settings.seed)
write_json(metrics, window_counter.score(target, corpus / "held_out"))
