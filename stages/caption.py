"""Describe every photo in words.  data/matted -> data/captioned"""

from s2i import captioning, records, stage

with stage.run() as (params, (source,), output):
    captioned, figures = captioning.caption(records.read(source), params.seed, params.caption, params.work)
    output.write(captioned)
    output.score(figures)
