"""Learn to tell the classes of sketches.  data/sketchy/items -> data/sketchy/probe/probes.safetensors"""

from s2i.core import stage
from s2i.studies.sketchy import items

with stage.run(inputs=["items"], outputs=["probe"]) as run:
    items.fit_probe(run.records("items"), "sketch").save(run.output / "probes.safetensors")
