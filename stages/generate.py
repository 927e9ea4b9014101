"""Draw the held-out sketches, fine-tuned and untouched.  data/augmented, models/trained -> data/generated"""

from s2i.core import stage
from s2i.generation import held_out

with stage.run(inputs=["augmented", "trained"], outputs=["generated"]) as run:
    run.write(held_out.generate(run.records("augmented"), run.inputs["trained"], run.output, run.params))
