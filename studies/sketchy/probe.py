"""Learn to tell the classes of sketches.  data/sketchy/items -> data/sketchy/probe/probes.safetensors"""

from s2i.core import records, stage
from s2i.studies.sketchy import items

with stage.run() as (params, (source,), output):
    items.fit_probe(records.Records(source), "sketch").save(output.folder / "probes.safetensors")
