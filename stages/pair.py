"""Draw sketches of every photo, one in each style.  data/ingested -> data/paired"""

from s2i.core import records, stage
from s2i.dataset.sketching import sketches

with stage.run() as (params, (source,), output):
    output.write(sketches.pair(records.Records(source), output.folder, params.pair, params.workers))
