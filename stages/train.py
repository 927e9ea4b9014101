"""Fine-tune on the encoded examples.  data/augmented, data/encoded -> models/trained, metrics/train"""

from s2i import records, stage
from s2i.methods import controlnet

with stage.run() as (params, (augmented, encoded, live), output):
    controlnet.train(records.Records(augmented), encoded, output.folder, live, params)
