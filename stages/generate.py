"""Draw the held-out sketches, fine-tuned and untouched.  data/augmented, models/trained -> data/generated"""

from s2i.core import records, stage
from s2i.generation import held_out

with stage.run() as (params, (augmented, trained), output):
    output.write(held_out.generate(records.Records(augmented), trained, output.folder, params))
