"""Train as the method says.  data/augmented, data/encoded -> models/trained, metrics/train"""

from s2i import methods, records, stage

with stage.run() as (params, (augmented, encoded, live), output):
    methods.load(params.method).train(records.Records(augmented), encoded, output.folder, live, params)
