"""Vary sketches and prompts for training.  data/captioned -> data/augmented"""

from s2i import augmenting, records, stage

with stage.run() as (params, (source,), output):
    settings = (params.seed, params.augment, params.conditions, params.work)
    output.write(augmenting.augment(records.Records(source), output.folder, *settings))
