"""Train as the method says.  data/augmented, data/encoded -> models/trained, metrics/train"""

from s2i.core import records, stage
from s2i.training import methods

with stage.run() as (params, (augmented, encoded, live), output):
    methods.load(params.method).train(records.Records(augmented), encoded, output.folder, live, params)
