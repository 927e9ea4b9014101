"""The sketches that every variant draws, as many of each class.  data/sketchy/augmented -> data/sketchy/items"""

from s2i.core import records, stage
from s2i.studies.sketchy import items

with stage.run() as (params, (augmented,), output):
    output.write(items.select(records.Records(augmented), params.study.items, params.seed))
