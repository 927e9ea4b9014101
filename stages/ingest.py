"""Read, check, normalise and split the photos.  data/photos -> data/ingested"""

from s2i import ingest, stage

with stage.run() as (params, (source,), output):
    records, figures = ingest.ingest(source, output.folder, params.resolution, params.seed, params.ingest, params.work)
    output.write(records)
    output.score(figures)
