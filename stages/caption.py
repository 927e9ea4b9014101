"""Describe every photo in words.  data/matted -> data/captioned"""

from s2i import captioning, records, stage

with stage.run() as (params, (source,), output):
    settings = (params.seed, params.caption, params.work, params.device, params.precision)
    output.write(captioning.caption(records.Records(source), output.folder, *settings))
