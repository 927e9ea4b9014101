"""Draw the held-out sketches, fine-tuned and untouched.  data/augmented, models/trained -> data/generated"""

from s2i import generating, records, stage

with stage.run() as (params, (augmented, trained), output):
    output.write(generating.generate(records.Records(augmented), trained, output.folder, params))
