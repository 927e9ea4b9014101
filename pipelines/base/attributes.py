"""Fit the probes that read attributes off photos.  renders/train -> models/base/attributes.safetensors"""

import sys
from pathlib import Path

from s2i.embedded.pretraining import renders
from s2i.networks import probes

corpus, target = map(Path, sys.argv[1:])
photos, table = renders.read(corpus)
probes.fit(probes.features(renders.arrays(photos)), table.to_dict("records")).save(target)
