"""Describe every photo in words.  data/matted -> data/captioned"""

from s2i.core import stage
from s2i.dataset.captioning import captions

with stage.run(inputs=["matted"], outputs=["captioned"]) as run:
    params = run.params
    settings = (params.caption, params.workers, params.device, params.precision)
    run.write(captions.caption(run.records("matted"), run.output, *settings))
