"""Read, check, normalise and split the photos.  data/photos -> data/ingested, metrics/ingest.json"""

from s2i.core import stage
from s2i.dataset.ingest import photos

with stage.run(inputs=["photos"], outputs=["ingested"], metrics=True) as run:
    settings = (run.params.resolution, run.params.seed, run.params.ingest, run.params.workers)
    records, figures = photos.ingest(run.inputs["photos"], run.output, *settings)
    run.write(records)
    run.score(figures)
