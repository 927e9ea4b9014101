"""Read, check, normalise and split the photos.  data/photos -> data/ingested"""

from s2i.core import stage
from s2i.dataset.ingest import photos

with stage.run() as (params, (source,), output):
    records, figures = photos.ingest(
        source, output.folder, params.resolution, params.seed, params.ingest, params.workers
    )
    output.write(records)
    output.score(figures)
