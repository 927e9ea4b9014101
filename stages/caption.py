"""Describe every photo in words.  data/matted -> data/captioned"""

from s2i.core import records, stage
from s2i.dataset.captioning import captions

with stage.run() as (params, (source,), output):
    settings = (params.seed, params.caption, params.workers, params.device, params.precision)
    output.write(captions.caption(records.Records(source), output.folder, *settings))
