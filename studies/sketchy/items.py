"""The sketches that every variant draws, as many of each class.  data/sketchy/augmented -> data/sketchy/items"""

from s2i.core import stage
from s2i.studies.sketchy import items

with stage.run(inputs=["augmented"], outputs=["items"]) as run:
    run.write(items.select(run.records("augmented"), run.params.study.items, run.params.seed))
