"""Vary sketches and prompts for training.  data/captioned -> data/augmented"""

from s2i import augmenting, records, stage

with stage.run() as (params, (source,), output):
    output.write(augmenting.augment(records.read(source), output.folder, params.seed, params.augment, params.work))
