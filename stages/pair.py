"""Draw sketches of every photo, one in each style.  data/ingested -> data/paired"""

from s2i import pair, records, stage

with stage.run() as (params, (source,), output):
    output.write(pair.pair(records.Records(source), output.folder, params.pair, params.work))
