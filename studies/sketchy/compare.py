"""Compare the variants of the study.

data/sketchy/items, drawn, training, mosaics -> metrics/sketchy, metrics/sketchy.json
"""

from s2i.core import records, stage
from s2i.studies.sketchy import compare

with stage.run() as (params, (source, drawn, training, mosaics), output):
    output.score(compare.compare(list(records.Records(source)), drawn, training, mosaics, output.folder, params))
