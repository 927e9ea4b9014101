"""Vary sketches and prompts for training.  data/captioned -> data/augmented"""

from s2i.core import stage
from s2i.dataset.augmentation import examples

with stage.run(inputs=["captioned"], outputs=["augmented"]) as run:
    settings = (run.params.seed, run.params.augment, run.params.conditions, run.params.workers)
    run.write(examples.augment(run.records("captioned"), run.output, *settings))
