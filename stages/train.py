"""Train as the method says.  data/augmented, data/encoded -> metrics/train, models/trained"""

from s2i.core import stage
from s2i.training.methods.method import load_method

with stage.run(inputs=["augmented", "encoded"], outputs=["log", "trained"]) as run:
    train = load_method(run.params.method).train
    train(run.records("augmented"), run.inputs["encoded"], run.output, run.outputs["log"], run.params)
