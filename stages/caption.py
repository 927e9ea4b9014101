"""Describe every photo in words.  data/paired -> data/captioned"""

from s2i import records, stage
from s2i.captioning import columns

with stage.run() as (params, (source,), output):
    captioned, figures = columns.caption(records.read(source), params.seed, params.caption, params.work)
    output.write(captioned)
    output.score(figures)
