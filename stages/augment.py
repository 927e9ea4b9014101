"""Vary sketches and prompts for training.  data/captioned -> data/augmented"""

from s2i.core import records, stage
from s2i.dataset.augmentation import examples

with stage.run() as (params, (source,), output):
    settings = (params.seed, params.augment, params.conditions, params.workers)
    output.write(examples.augment(records.Records(source), output.folder, *settings))
