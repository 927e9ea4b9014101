"""Fit the probes that read attributes off photos.  renders/train -> models/base/attributes.safetensors"""

import sys
from pathlib import Path

from s2i import probes
from s2i.pretraining import pictures

corpus, target = map(Path, sys.argv[1:])
photos, table = pictures.read(corpus)
probes.fit(probes.features(pictures.arrays(photos)), table.to_dict("records")).save(target)
