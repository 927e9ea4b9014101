"""Draw sketches of every photo, one in each style.  data/ingested -> data/paired"""

from s2i.core import stage
from s2i.dataset.sketching import sketches

with stage.run(inputs=["ingested"], outputs=["paired"]) as run:
    run.write(sketches.pair(run.records("ingested"), run.output, run.params.pair, run.params.workers))
